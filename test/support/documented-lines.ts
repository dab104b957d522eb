import { readFile } from 'node:fs/promises';

/**
 * The lines of a code block in the documentation, so that a test runs what people copy.
 * @param language the block's; the only one of it in the file
 */
export async function documentedLines(file: string, language: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language);
  const [, , lines] = blocks[0] ?? [];
  if (lines === undefined || blocks.length > 1) throw new Error(`${file} has ${blocks.length} blocks of ${language}`);
  return lines.trimEnd();
}
