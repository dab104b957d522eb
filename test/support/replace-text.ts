/** A plain text and what stands in its place in a test. */
export type Replacement = readonly [from: string, to: string];

/**
 * Puts a test's ports and paths into a recipe.
 * @throws where a text does not occur: then the recipe is no longer what the test thinks it runs
 */
export function replaceText(text: string, replacements: readonly Replacement[]): string {
  let result = text;
  for (const [from, to] of replacements) {
    if (!result.includes(from)) throw new Error(`the recipe does not contain: ${from}`);
    result = result.replaceAll(from, to);
  }
  return result;
}
