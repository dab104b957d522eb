/** What these calls answer with. A map is an object whose names come from a client: none of them is special there. */
export type PythonJson =
  | string
  | boolean
  | null
  | readonly PythonJson[]
  | ReadonlyMap<string, PythonJson>
  | { readonly [name: string]: PythonJson };

/** The text that Python's `json.dumps` makes: a blank behind commas and colons, and ASCII alone. */
export function pythonJson(value: PythonJson): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries.map(([name, member]) => `${quoted(name)}: ${pythonJson(member)}`).join(', ')}}`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Array.isArray says nothing of arrays that cannot be written to. */
function isArray(value: PythonJson): value is readonly PythonJson[] {
  return Array.isArray(value);
}
