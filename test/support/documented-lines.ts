import { readFile } from 'node:fs/promises';

/**
 * The lines of a code block in the documentation, so that a test runs what people copy.
 * @param language the block's
 * @param text what it contains; there is one such block of that language in the file
 */
export async function documentedLines(file: string, language: string, text: string): Promise<string> {
  const page = await readFile(file, 'utf8');
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , lines = '']) => lines.trimEnd())
    .filter((lines) => lines.includes(text));
  const [only] = blocks;
  if (only === undefined || blocks.length > 1)
    throw new Error(`${file} has ${blocks.length} blocks of ${language} with ${text}`);
  return only;
}
