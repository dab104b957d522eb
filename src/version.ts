import { readFile } from 'node:fs/promises';

/** gatelodge's own version, from its package. */
export async function version(): Promise<string> {
  const { version: text } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return text;
}
