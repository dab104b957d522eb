import { isNetworkWithin } from '../domain/network.ts';
import { indexedPath, literalCovers, type Rule } from './rule.ts';

/** Patterns that match every path; written often enough to be known. */
const EVERYTHING = new Set(['.*', '^.*', '^.*$', '.*$', '^', '/', '^/', '/.*', '^/.*', '^/.*$', '/.*$']);

/** What is certain of every path that a rule matches. */
export interface Extent {
  /** What it begins with up to a segment boundary: it is this, or stands below it. Empty where none can be told. */
  readonly above: string;
  /** What it begins with to the letter. */
  readonly beginning: string;
}

export function extentOf(rule: Rule): Extent {
  const { text } = indexedPath(rule);
  return { above: text, beginning: rule.path?.beginning ?? text };
}

/**
 * Whether every request that `later` matches is matched by `earlier` too. Only a certain yes is a yes.
 * The hosts' names were compared by the index already.
 * @param extent of `later`
 */
export function covers(earlier: Rule, later: Rule, extent: Extent): boolean {
  if (earlier.host !== null && earlier.host.port !== null && earlier.host.port !== later.host?.port) return false;
  if (!coversPath(earlier, later, extent)) return false;
  if (earlier.methods !== null) {
    if (later.methods === null) return false;
    for (const method of later.methods) if (!earlier.methods.has(method)) return false;
  }
  return (
    coversNetworks(earlier.required.networks, later.required.networks) &&
    includesAll(later.headers, earlier.headers) &&
    includesAll(later.query, earlier.query)
  );
}

function coversPath({ path }: Rule, later: Rule, { above, beginning }: Extent): boolean {
  if (path === null) return true;
  if (path.kind === 'literal') return above !== '' && literalCovers(path.text, above);
  if (EVERYTHING.has(path.text) || (later.path?.kind === 'pattern' && later.path.text === path.text)) return true;
  return path.beginning !== null && beginning.startsWith(path.beginning);
}

/** Every network of the later rule lies within one of the earlier's. Two that only together hold a third are not noticed. */
function coversNetworks(earlier: readonly string[] | undefined, later: readonly string[] | undefined): boolean {
  if (earlier === undefined) return true;
  return later?.every((inner) => earlier.some((outer) => isNetworkWithin(inner, outer))) ?? false;
}

type Values = ReadonlyArray<readonly [string, string]> | null;

/** Whoever asks for more values, and for all of these, is matched by less. */
function includesAll(all: Values, some: Values): boolean {
  return (some ?? []).every(([name, value]) => (all ?? []).some((other) => other[0] === name && other[1] === value));
}
