import type { z } from 'zod';
import type { PluginInstanceConfiguration } from '../config/plugin-instances.ts';
import type { Configuration } from '../config/schema.ts';
import { type Command, DONE, readOptions } from './command.ts';

interface ShownOption {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description: string;
}
interface ShownType {
  readonly type: string;
  readonly built_in: boolean;
  readonly module?: string;
  readonly description: string;
  readonly options: readonly ShownOption[];
}

export const command: Command = {
  summary: 'lists plugin types with their options, and the configured instances',
  usage: `Usage: gatelodge plugins [-c FILE] [--json]

  -c, --config FILE  configuration (default gatelodge.yaml); somebody else's plugins are those that it names
  --json             {types: [{type, built_in, module, description, options}], instances: [{instance, type, default}]}`,
  async run(args, terminal) {
    const { values } = readOptions(args, {
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean', default: false },
    });
    const { loadSound } = await import('./configuration.ts');
    const { configuration, plugins } = await loadSound(values.config, terminal);
    const types = [...(await builtInTypes()), ...(await otherTypes(plugins, configuration))];
    const used = configuration.auth.default_plugins ?? plugins.map(({ instance }) => instance);
    const instances = plugins.map(({ instance, type }) => ({ instance, type, default: used.includes(instance) }));
    if (values.json) terminal.out(`${JSON.stringify({ types, instances }, null, 2)}\n`);
    else {
      const { table } = await import('./table.ts');
      const rows = instances.map((one) => [one.instance, one.type, one.default ? 'yes' : 'no']);
      const shown = instances.length === 0 ? 'none\n' : table(['  INSTANCE', 'TYPE', 'BY DEFAULT'], rows.map(indented));
      terminal.out(`Plugin types\n\n${types.map(inWords).join('\n')}\nConfigured instances\n\n${shown}`);
    }
    return DONE;
  },
};

async function builtInTypes(): Promise<ShownType[]> {
  const { BUILT_IN_OPTIONS } = await import('../config/plugin-options.ts');
  return Promise.all(
    Object.entries(BUILT_IN_OPTIONS).map(async ([type, schema]) => ({
      type,
      built_in: true,
      description: schema.description ?? '',
      options: await optionsOf(schema, {}),
    })),
  );
}

async function otherTypes(
  plugins: readonly PluginInstanceConfiguration[],
  configuration: Configuration,
): Promise<ShownType[]> {
  const types = new Map<string, ShownType>();
  for (const { instance, type, definition } of plugins) {
    if (definition === null || types.has(type)) continue;
    const module = configuration.auth_plugins[instance]?.module;
    const descriptions = definition.optionDescriptions ?? {};
    types.set(type, {
      type,
      built_in: false,
      ...(module === undefined ? {} : { module }),
      description: definition.description,
      options: await optionsOf(definition.options, descriptions),
    });
  }
  return [...types.values()];
}

/** What a schema says of its options, completed by what a plugin says itself. Only zod's schemas can be looked into. */
async function optionsOf(schema: object, descriptions: Readonly<Record<string, string>>): Promise<ShownOption[]> {
  // zod marks its own schemas so, also those of another copy of zod.
  const shape = '_zod' in schema ? await jsonSchema(schema as z.ZodType) : {};
  const { properties = {}, required = [] } = shape;
  return [...new Set([...Object.keys(properties), ...Object.keys(descriptions)])].map((name) => {
    const property = properties[name];
    return {
      name,
      type: typeText(property),
      required: required.includes(name),
      ...(property?.default === undefined ? {} : { default: property.default }),
      description: descriptions[name] ?? property?.description ?? '',
    };
  });
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
}

async function jsonSchema(schema: z.ZodType): Promise<JsonSchema> {
  const { z: zod } = await import('zod');
  // What is read of it are JSON Schema's own keywords; the library's type has all of them and `boolean`.
  return zod.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

function typeText(schema: JsonSchema | undefined): string {
  if (schema === undefined) return 'any';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items)}`;
  return schema.type ?? 'any';
}

function inWords({ type, built_in: builtIn, module, description, options }: ShownType): string {
  const lines = options.map((option) => {
    const fallback = option.default === undefined ? '' : `, default ${JSON.stringify(option.default)}`;
    const facts = `${option.type}${option.required ? ', required' : ''}${fallback}`;
    return `    ${option.name} (${facts})${option.description === '' ? '' : `: ${option.description}`}\n`;
  });
  return `  ${type} (${builtIn ? 'built in' : `from ${module ?? 'a package'}`}): ${description}\n${lines.join('')}`;
}

function indented([first = '', ...rest]: readonly string[]): string[] {
  return [`  ${first}`, ...rest];
}
