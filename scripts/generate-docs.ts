import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { configurationPage } from './configuration-page.ts';
import { editorSchema } from './editor-schema.ts';

/**
 * Writes the reference page and the editors' schema from the configuration's schema. With `--check` it writes nothing and
 * exits 1 where they are not what they should be.
 */
const files: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationPage,
  'docs/gatelodge.schema.json': () => `${JSON.stringify(editorSchema(), null, 2)}\n`,
};

const root = new URL('../', import.meta.url);
const isCheck = process.argv.includes('--check');
for (const [name, generate] of Object.entries(files)) {
  const path = new URL(name, root);
  const wanted = generate();
  if (!isCheck) {
    mkdirSync(new URL('.', path), { recursive: true });
    writeFileSync(path, wanted);
  } else if (read(path) !== wanted) {
    console.error(`${name} differs from what the schema says: run npm run docs`);
    process.exitCode = 1;
  }
}

function read(path: URL): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
