import type { HeaderFields } from '../domain/access-request.ts';

/**
 * Header fields as they stood on the wire. Node's own `headers` joins what came twice and costs more; a check looks at a
 * dozen names, and comparing lengths first makes that cheaper than a table.
 */
export class WireHeaderFields implements HeaderFields {
  /** Names and values in turn, as `IncomingMessage.rawHeaders`. */
  readonly #raw: readonly string[];
  /** What was found last, and where: whoever reads a field looks next whether there is a second one. */
  #name = '';
  #at = 0;

  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): string | undefined {
    const raw = this.#raw;
    for (let at = 0; at < raw.length; at += 2) {
      if (!isName(raw[at], name)) continue;
      this.#name = name;
      this.#at = at;
      return raw[at + 1];
    }
    return undefined;
  }

  count(name: string): number {
    const raw = this.#raw;
    const known = name === this.#name;
    let found = known ? 1 : 0;
    for (let at = known ? this.#at + 2 : 0; at < raw.length; at += 2) if (isName(raw[at], name)) found += 1;
    return found;
  }

  all(name: string): readonly string[] {
    const raw = this.#raw;
    const values: string[] = [];
    for (let at = 0; at < raw.length; at += 2) if (isName(raw[at], name)) values.push(raw[at + 1] ?? '');
    return values;
  }
}

/** Lower case of a letter; what it makes of other characters does not matter, since the whole name is compared after it. */
const LOWER = 0x20;

function isName(field: string | undefined, name: string): boolean {
  if (field === undefined || field.length !== name.length) return false;
  // Many names have the same length, few the same ends, and making a name lower case is what costs.
  const last = name.length - 1;
  if (
    (field.charCodeAt(0) | LOWER) !== name.charCodeAt(0) ||
    (field.charCodeAt(last) | LOWER) !== name.charCodeAt(last)
  )
    return false;
  return field === name || field.toLowerCase() === name;
}
