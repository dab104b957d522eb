import { z } from 'zod';

type Schema = z.core.$ZodType;

/** zod's own way to tell its schemas apart: the base type does not name the kinds, this union does. */
function definition(schema: Schema): z.core.$ZodTypeDef & z.core.$ZodTypes['_zod']['def'] {
  return (schema as z.core.$ZodTypes)._zod.def;
}

/** What may stand in the file for a schema: its alternatives without defaults and conversions around them. */
export function branches(schema: Schema): readonly Schema[] {
  const def = definition(schema);
  switch (def.type) {
    case 'union':
      return def.options.flatMap(branches);
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return branches(def.innerType);
    case 'pipe':
      return branches(def.in);
    default:
      return [schema];
  }
}

/** The alternatives for what is below a key of a map or at an index of a list. */
export function below(schemas: readonly Schema[], step: string | number): readonly Schema[] {
  return schemas.flatMap((schema) => {
    const def = definition(schema);
    if (typeof step === 'number') return def.type === 'array' ? branches(def.element) : [];
    if (def.type === 'record') return branches(def.valueType);
    const child = def.type === 'object' && Object.hasOwn(def.shape, step) ? def.shape[step] : undefined;
    return child === undefined ? [] : branches(child);
  });
}

/** The keys that the alternatives know; empty where keys are free. */
export function knownKeys(schemas: readonly Schema[]): readonly string[] {
  return schemas.flatMap((schema) => {
    const def = definition(schema);
    return def.type === 'object' ? Object.keys(def.shape) : [];
  });
}

/** Whether the key `k` of these alternatives may be given as `k_file`: it takes text, and its text is not a path already. */
export function mayComeFromFile(schemas: readonly Schema[], key: string): boolean {
  return schemas.some((schema) => {
    const def = definition(schema);
    if (def.type !== 'object' || !Object.hasOwn(def.shape, key)) return false;
    const child = def.shape[key];
    return child !== undefined && z.globalRegistry.get(child)?.['path'] !== true && branches(child).some(takesText);
  });
}

export function takesText(schema: Schema): boolean {
  const def = definition(schema);
  return (
    def.type === 'string' ||
    def.type === 'enum' ||
    (def.type === 'literal' && def.values.some((value) => typeof value === 'string'))
  );
}

/** Whether a map or a list is all that the alternatives take. */
export function takesOnlyCollections(schemas: readonly Schema[]): boolean {
  return (
    schemas.length > 0 && schemas.every((schema) => ['object', 'record', 'array'].includes(definition(schema).type))
  );
}

/**
 * The number or boolean that a text from the environment stands for, where the alternatives want one and do not take the
 * text as it is.
 */
export function convertText(schemas: readonly Schema[], text: string): string | number | boolean {
  if (schemas.some((schema) => takesText(schema) && z.safeParse(schema, text).success)) return text;
  const wants = (type: string) => schemas.some((schema) => definition(schema).type === type);
  if (wants('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (wants('number') && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)) return Number(text);
  return text;
}
