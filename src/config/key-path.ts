/** Where something is in a configuration: keys of maps and indexes of lists. */
export type KeyPath = readonly (string | number)[];

/** `paths[2].roles`, as problems name places. */
export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? showKey(step) : `.${showKey(step)}`;
  }
  return text;
}

/**
 * A key as it can be printed. `{bob:secret}` without a blank is one key in YAML, so nothing behind a colon or an equals
 * sign is ever shown; keys of other forms are cut and quoted.
 */
export function showKey(key: string): string {
  if (/^[\w-]{1,64}$/.test(key)) return key;
  const shown = /^[^:=]*/.exec(key)?.[0].slice(0, 64) ?? '';
  return shown === key ? JSON.stringify(shown) : `${JSON.stringify(shown)}…`;
}
