import { indexedPath, literalCovers, type Rule } from './rule.ts';

/** Patterns that match every path; written often enough to be known. */
const EVERYTHING = new Set(['.*', '^.*', '^.*$', '.*$', '^', '/', '^/', '/.*', '^/.*', '^/.*$', '/.*$']);

/**
 * Whether every request that `later` matches is matched by `earlier` too. Only a certain yes is a yes.
 * The hosts' names were compared by the index already.
 */
export function covers(earlier: Rule, later: Rule): boolean {
  if (earlier.host !== null && earlier.host.port !== null && earlier.host.port !== later.host?.port) return false;
  if (!coversPath(earlier, later)) return false;
  if (earlier.methods !== null) {
    if (later.methods === null) return false;
    for (const method of later.methods) if (!earlier.methods.has(method)) return false;
  }
  return (
    (earlier.networks === null || sameText(earlier.required.networks, later.required.networks)) &&
    (earlier.headers === null || sameText(earlier.headers, later.headers)) &&
    (earlier.query === null || sameText(earlier.query, later.query))
  );
}

function coversPath(earlier: Rule, later: Rule): boolean {
  if (earlier.path === null) return true;
  if (earlier.path.kind === 'pattern') {
    return (
      EVERYTHING.has(earlier.path.text) || (later.path?.kind === 'pattern' && later.path.text === earlier.path.text)
    );
  }
  const { text } = indexedPath(later);
  return text !== '' && literalCovers(earlier.path.text, text);
}

function sameText(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
