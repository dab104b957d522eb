/**
 * The path of a request as the servers behind the gate may understand it. One text can be read in several ways: one server
 * decodes `%2F`, one merges slashes, one drops `;…`. The gate decides only where every reading leads to the same rule;
 * where it does not, the request is refused, because the gate would otherwise decide on another path than is served.
 */
export interface PathReadings {
  /**
   * Decoded once, slashes merged, dot segments resolved. What a slash, question mark, number sign or percent sign of its own
   * would be confused with stays encoded (`%2F %3F %23 %25`), so that the text is unambiguous. Rules see this.
   */
  readonly canonical: string;
  /** What else a server might make of it; empty for nearly every request. */
  readonly others: readonly string[];
}

export type UnreadablePath = 'malformed-request' | 'ambiguous-path';

export const MAX_PATH = 8_192;

/** Nothing in it can be read in two ways: printable ASCII without `% # ; ? \`, doubled slashes and segments that begin or end with a dot. */
const REMARKABLE = /[^\x21\x22\x24\x26-\x3a\x3c-\x3e\x40-\x5b\x5d-\x7e]|\/\/|\/\.|\.(?:\/|$)/;
/** Few real paths have more than two oddities at once; whoever needs more than this, in characters to go through, is up to something. */
const MAX_WORK = 98_304;
/** What a reading of the shortest path costs, in characters. */
const LEAST_WORK = 128;
const MAX_LAYERS = 3;

/**
 * All readings of a request target's path.
 * @param raw the path as it came, one character per byte (latin1, as Node hands it out), without the query
 */
export function readPath(raw: string): PathReadings | UnreadablePath {
  if (raw.length > MAX_PATH || raw.charCodeAt(0) !== 0x2f) return 'malformed-request';
  if (!REMARKABLE.test(raw)) return { canonical: raw, others: NONE };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x20\x7f#?]|%(?![0-9A-Fa-f]{2})/.test(raw)) return 'malformed-request';

  const decoded = decodeLayer(Buffer.from(raw, 'latin1'));
  if (decoded === null) return 'ambiguous-path';
  const canonical = display(shape(decoded, CANONICAL));
  const others = new Set<string>();
  // What one server makes of the path may be what it hands to the next (nginx's `proxy_pass http://app$uri`), so every reading
  // is read again, with and without another layer of percent-encoding undone. The map grows while it is walked.
  const layers = new Map([[decoded, 1]]);
  let work = 0;
  for (const [text, layer] of layers) {
    const variants = variantsOf(text);
    work += variants.length * (LEAST_WORK + text.length);
    if (work > MAX_WORK) return 'ambiguous-path';
    for (const variant of variants) {
      const shaped = shape(text, variant);
      if (!layers.has(shaped)) layers.set(shaped, layer);
      const reading = display(shaped);
      if (reading !== canonical) others.add(reading);
    }
    if (!/%[0-9A-Fa-f]{2}/.test(text)) continue;
    const next = layer === MAX_LAYERS ? null : decodeLayer(Buffer.from(text, 'utf8'));
    if (next === null) return 'ambiguous-path';
    if (!layers.has(next)) layers.set(next, layer + 1);
  }
  return { canonical, others: [...others] };
}

/** A text of the configuration, one character per code point, in the form that readPath takes. */
export function toRawPath(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const NONE: readonly string[] = Object.freeze([]);

// Encoded characters that a server may or may not take for the plain ones. Control characters are refused, so their codes are free.
const SLASH = '\u0001';
const BACKSLASH = '\u0002';
const SEMICOLON = '\u0003';
const QUESTION = '\u0004';
const HASH = '\u0005';
const DOT = '\u0006';
const MARKS: Readonly<Record<number, string>> = {
  47: SLASH,
  92: BACKSLASH,
  59: SEMICOLON,
  63: QUESTION,
  35: HASH,
  46: DOT,
};

const SEPARATOR = `[/\\\\${SLASH}${BACKSLASH}]`;
/** Stripped parameters leave an empty segment where there was nothing else in it. */
const DOUBLED = new RegExp(`${SEPARATOR}(?:[;${SEMICOLON}][^/\\\\${SLASH}${BACKSLASH}]*)?${SEPARATOR}`);
const AUTHORITY = new RegExp(`^${SEPARATOR}{2}`);
const DOTTED = new RegExp(`${SEPARATOR}[.${DOT}]`);
/** Windows ignores dots and blanks at the end of a name. */
const TRAILED = new RegExp(`[.${DOT} ](?=$|[/\\\\;${SLASH}${BACKSLASH}${SEMICOLON}])`);
const TRAIL = new RegExp(`[.${DOT} ]+$`);
const ENCODED_QUERY = new RegExp(`[${QUESTION}${HASH}].*$`, 's');
const ENCODED_PARAMETERS = new RegExp(`${SEMICOLON}[^/]*`, 'g');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undoes one layer of percent-encoding; null for control characters and for what is no UTF-8 (overlong forms among it). */
function decodeLayer(bytes: Buffer): string | null {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    let byte = bytes[at] ?? 0;
    if (byte === 0x25 /* % */) {
      const code = hexByte(bytes[at + 1], bytes[at + 2]);
      if (code !== null) {
        if (code < 0x20 || code === 0x7f) return null;
        at += 2;
        const mark = MARKS[code];
        byte = mark === undefined ? code : mark.charCodeAt(0);
      }
    }
    out.push(byte);
  }
  try {
    return utf8.decode(Uint8Array.from(out));
  } catch {
    return null;
  }
}

function hexByte(high: number | undefined, low: number | undefined): number | null {
  const value = Number.parseInt(String.fromCharCode(high ?? 0, low ?? 0), 16);
  return high !== undefined && low !== undefined && isHex(high) && isHex(low) ? value : null;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

/** What one kind of server does with each oddity. */
interface Reader {
  readonly encodedSlash: 'keep' | 'slash';
  readonly backslash: 'keep' | 'slash';
  readonly encodedBackslash: 'keep' | 'slash';
  readonly parameters: 'keep' | 'strip';
  readonly encodedParameters: 'keep' | 'strip';
  readonly encodedQuery: 'keep' | 'cut';
  /** `//host/path` taken for a URL without its scheme, as `new URL(path, base)` does. */
  readonly authority: 'path' | 'drop';
  readonly trailing: 'keep' | 'strip';
  readonly merge: 'before' | 'after' | 'never';
  readonly dots: 'all' | 'plain' | 'none';
}

const CANONICAL: Reader = {
  encodedSlash: 'keep',
  backslash: 'keep',
  encodedBackslash: 'keep',
  parameters: 'keep',
  encodedParameters: 'keep',
  encodedQuery: 'keep',
  authority: 'path',
  trailing: 'keep',
  merge: 'before',
  dots: 'all',
};

/** Every kind of server that would see a difference in this text. */
function variantsOf(layer: string): Reader[] {
  let readers: Reader[] = [CANONICAL];
  const vary = (present: boolean, alternatives: readonly Partial<Reader>[]) => {
    if (present)
      readers = readers.flatMap((reader) => [
        reader,
        ...alternatives.map((alternative) => ({ ...reader, ...alternative })),
      ]);
  };
  vary(layer.includes(SLASH), [{ encodedSlash: 'slash' }]);
  vary(layer.includes('\\'), [{ backslash: 'slash' }]);
  vary(layer.includes(BACKSLASH), [{ encodedBackslash: 'slash' }]);
  vary(layer.includes(';'), [{ parameters: 'strip' }]);
  vary(layer.includes(SEMICOLON), [{ encodedParameters: 'strip' }]);
  vary(layer.includes(QUESTION) || layer.includes(HASH), [{ encodedQuery: 'cut' }]);
  vary(TRAILED.test(layer), [{ trailing: 'strip' }]);
  vary(AUTHORITY.test(layer), [{ authority: 'drop' }]);
  const doubled = DOUBLED.test(layer);
  const dotted = DOTTED.test(layer);
  vary(doubled, dotted ? [{ merge: 'never' }, { merge: 'after' }] : [{ merge: 'never' }]);
  vary(dotted, layer.includes(DOT) ? [{ dots: 'none' }, { dots: 'plain' }] : [{ dots: 'none' }]);
  return readers;
}

/** What the reader makes of the text; marks that it keeps stay marks. */
function shape(layer: string, reader: Reader): string {
  let text = layer;
  if (reader.encodedQuery === 'cut') text = text.replace(ENCODED_QUERY, '');
  if (reader.encodedSlash === 'slash') text = text.replaceAll(SLASH, '/');
  if (reader.backslash === 'slash') text = text.replaceAll('\\', '/');
  if (reader.encodedBackslash === 'slash') text = text.replaceAll(BACKSLASH, '/');
  if (reader.parameters === 'strip') text = text.replace(/;[^/]*/g, '');
  if (reader.encodedParameters === 'strip') text = text.replace(ENCODED_PARAMETERS, '');
  if (reader.authority === 'drop') text = text.replace(/^\/{2,}[^/]*/, '') || '/';
  if (reader.trailing === 'strip') text = text.split('/').map(withoutTrail).join('/');
  if (reader.merge === 'before') text = text.replace(/\/{2,}/g, '/');
  if (reader.dots !== 'none') text = resolveDots(reader.dots === 'all' ? text.replaceAll(DOT, '.') : text);
  if (reader.merge === 'after') text = text.replace(/\/{2,}/g, '/');
  return text;
}

/** The name without dots and blanks at its end; `.` and `..` stay what they are. */
function withoutTrail(segment: string): string {
  const name = segment.replace(/ +$/, '').replaceAll(DOT, '.');
  return name === '.' || name === '..' ? name : segment.replace(TRAIL, '');
}

/** Unambiguous for rules: what would be confused with a separator is encoded. */
function display(text: string): string {
  return text
    .replaceAll('%', '%25')
    .replaceAll(SLASH, '%2F')
    .replaceAll(BACKSLASH, '\\')
    .replaceAll(SEMICOLON, ';')
    .replaceAll(QUESTION, '%3F')
    .replaceAll(HASH, '%23')
    .replaceAll(DOT, '.');
}

/** RFC 3986 section 5.2.4, for a path that begins with a slash. */
function resolveDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (last) kept.push('');
  }
  return `/${kept.join('/')}`;
}
