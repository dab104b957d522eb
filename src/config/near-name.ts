/**
 * The name that somebody probably meant: at most two keystrokes away, or the same but for case and separators.
 * @param furthest in keystrokes
 */
export function nearName(name: string, known: readonly string[], furthest = name.length <= 3 ? 1 : 2): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, '');
  let best: string | null = null;
  let least = furthest;
  for (const candidate of known) {
    if (plain(candidate) === plain(name)) return candidate;
    const distance = editDistance(name.slice(0, 64), candidate);
    if (distance < least || (distance === least && best === null)) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
