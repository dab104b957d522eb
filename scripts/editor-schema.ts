import { z } from 'zod';
import { BUILT_IN_OPTIONS } from '../src/config/plugin-options.ts';
import { configurationSchema } from '../src/config/schema.ts';

/** As much of JSON Schema as zod writes and these scripts read. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  allOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  /** Set on texts that are secrets, and on those that are paths. */
  secret?: boolean;
  path?: boolean;
  [keyword: string]: unknown;
}

/** A zod schema as JSON Schema of what stands in the file: before defaults and conversions. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  // zod's own type for the result is wider than what it writes for these schemas.
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
}

/** The schema with which editors check and complete gatelodge.yaml. */
export function editorSchema(): JsonSchema {
  const root = relaxed(inputSchema(configurationSchema));
  const definitions: Record<string, JsonSchema> = {
    variable: { type: 'string', pattern: '\\$\\{', description: 'Filled in from the environment.' },
  };
  const typed: JsonSchema[] = [];
  const byName: Record<string, JsonSchema> = {};
  for (const [type, schema] of Object.entries(BUILT_IN_OPTIONS)) {
    const options = relaxed(withoutDialect(inputSchema(schema)));
    definitions[`options-${type}`] = {
      ...options,
      type: ['object', 'null'],
      properties: { type: { const: type }, module: { type: 'string' }, ...options.properties },
    };
    const own = { $ref: `#/$defs/options-${type}` };
    typed.push(conditional({ required: ['type'], properties: { type: { const: type } } }, own));
    byName[type] = conditional(
      { anyOf: [{ required: ['type'] }, { required: ['module'] }] },
      { $ref: '#/$defs/instance' },
      own,
    );
  }
  definitions['instance'] = {
    type: ['object', 'null'],
    properties: { type: { type: 'string' }, module: { type: 'string' } },
    allOf: typed,
  };
  const properties = { ...root.properties };
  properties['auth_plugins'] = {
    ...properties['auth_plugins'],
    properties: byName,
    additionalProperties: { $ref: '#/$defs/instance' },
  };
  return { ...root, title: 'gatelodge.yaml', properties, $defs: definitions };
}

function conditional(condition: JsonSchema, consequence: JsonSchema, alternative?: JsonSchema): JsonSchema {
  // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema
  return { if: condition, then: consequence, ...(alternative === undefined ? {} : { else: alternative }) };
}

function withoutDialect({ $schema: _dialect, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

/** Allows what is resolved before validation: `k_file` beside every text, and `${…}` where the form of a value is checked. */
function relaxed(schema: JsonSchema): JsonSchema {
  const { secret: _secret, path: _path, ...rest } = schema;
  const result: JsonSchema = { ...rest };
  if (schema.items !== undefined) result.items = relaxed(schema.items);
  if (typeof schema.additionalProperties === 'object')
    result.additionalProperties = relaxed(schema.additionalProperties);
  if (schema.properties !== undefined) Object.assign(result, relaxedProperties(schema, schema.properties));
  if (schema.anyOf !== undefined)
    result.anyOf = [...schema.anyOf.map(relaxed), ...(schema.anyOf.some(isChecked) ? [VARIABLE] : [])];
  if (!isChecked(schema)) return result;
  const { description, default: fallback, ...checks } = result;
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [checks, VARIABLE],
  };
}

const VARIABLE: JsonSchema = { $ref: '#/$defs/variable' };

/** A scalar that does not take every text. */
function isChecked(schema: JsonSchema): boolean {
  if (schema.type === 'string')
    return schema.enum !== undefined || schema.pattern !== undefined || schema.const !== undefined;
  return ['integer', 'number', 'boolean'].includes(String(schema.type));
}

function relaxedProperties(schema: JsonSchema, given: Record<string, JsonSchema>): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  const either: JsonSchema[] = [];
  for (const [key, child] of Object.entries(given)) {
    properties[key] = relaxed(child);
    const isRequired = schema.required?.includes(key) === true;
    if (takesText(child) && child.path !== true) {
      properties[`${key}_file`] = { type: 'string', description: `File that \`${key}\` is read from.` };
      if (isRequired) either.push({ anyOf: [{ required: [key] }, { required: [`${key}_file`] }] });
    } else if (isRequired) required.push(key);
  }
  return { properties, required, ...(either.length === 0 ? {} : { allOf: either }) };
}

function takesText(schema: JsonSchema): boolean {
  return schema.type === 'string' || schema.anyOf?.some(takesText) === true;
}
