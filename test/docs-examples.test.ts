import { generateKeyPairSync } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './cli/run-command.ts';
import { type TempDir, tempDir } from './support/temp-dir.ts';

const ROOT = join(import.meta.dirname, '..');

/** First lines of the YAML that is for somebody else's program. Whatever is not named here has to load. */
const NOT_OURS = ['authResponseHeaders: [Authorization]', '- exact: authorization', 'scrape_configs:'];

interface Block {
  /** `docs/tokens.md:78` */
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

const PAGES = ['README.md', 'SECURITY.md', 'docs/*.md', 'deploy/*/README.md', 'examples/*/README.md'].flatMap((page) =>
  globSync(page, { cwd: ROOT }).sort(),
);
const blocks = PAGES.flatMap(codeBlocks);
const configurations = blocks.filter(
  ({ language, text }) => language === 'yaml' && !NOT_OURS.some((first) => text.startsWith(first)),
);

/** What stands between fences, without the indentation that it has in a list. */
function codeBlocks(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map((match) => {
    const [, , language = '', lines = ''] = match;
    const indented = Math.min(...lines.split('\n').map((line) => (line.trim() === '' ? 99 : line.search(/\S/))));
    return {
      place: `${page}:${text.slice(0, match.index).split('\n').length}`,
      language,
      text: lines.replaceAll(new RegExp(`^ {${indented}}`, 'gm'), ''),
    };
  });
}

describe('configurations in the documentation', () => {
  let directory: TempDir;

  // What they name: a logo, keys, passwords, and the plugins of docs/plugins.md and examples/.
  beforeAll(async () => {
    directory = await tempDir();
    const put = (name: string, text: string) => writeFileSync(join(directory.path, name), text, { mode: 0o600 });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    put('private-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    put('logo.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
    put('loki-password', 'ten-nine-eight');
    put('badge-secret', 'a secret that is long enough for a badge\n');
    put('house-word.js', blocks.find(({ text }) => text.includes("type: 'house-word'"))?.text ?? '');
    const modules = join(directory.path, 'node_modules');
    mkdirSync(join(modules, 'gatelodge'), { recursive: true });
    symlinkSync(join(ROOT, 'src'), join(modules, 'gatelodge/src'));
    const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
    put('node_modules/gatelodge/package.json', manifest.replaceAll(/\.\/dist\/([^"]*)\.js"/g, './src/$1.ts"'));
    // Copied: a link would be followed, and `gatelodge` be looked for where the example really is.
    cpSync(join(ROOT, 'examples/gatelodge-plugin-badge'), join(modules, 'gatelodge-plugin-badge'), { recursive: true });
  });
  afterAll(() => directory.remove());

  it('were found', () => {
    expect(configurations.length).toBeGreaterThanOrEqual(14);
    for (const first of NOT_OURS) expect(blocks.filter(({ text }) => text.startsWith(first))).toHaveLength(1);
  });

  it.each(configurations)('$place loads as it stands, and its tests pass', async ({ place, text }) => {
    const file = join(directory.path, `${place.replaceAll(/\W/g, '-')}.yaml`);
    writeFileSync(file, text.replaceAll('/etc/gatelodge/', './'), { mode: 0o600 });
    const secret = 'forty characters of somebody’s own secret';
    const env = { GATELODGE_SECRET: secret, GATELODGE_SECRET_BEFORE: `${secret}, before`, HOUSE_WORD: secret };
    const { code, out } = await run(['check', '-c', file], { env });
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/ rules?, \d+ tests?, no problems\n$/) });
  });
});

describe('commands in the documentation', () => {
  const shown = blocks
    .filter(({ language }) => ['', 'sh', 'console'].includes(language))
    .flatMap(({ place, text }) =>
      [
        ...text
          .replaceAll(/ *\\\n *|\n {6,}/g, ' ')
          .matchAll(/(?:^ *(?:\$ )?|\$\(|(?:--|exec gatelodge) )gatelodge ([a-z][a-z-]*)((?: [^|&#)\n]+)?)/gm),
      ].map(([, name = '', rest = '']) => ({ place, name, rest: rest.trim() })),
    );

  it('were found', () => expect(shown.length).toBeGreaterThan(40));

  it.each(shown)('$place: gatelodge $name $rest', async ({ name, rest }) => {
    const { code, out } = await run([name, '--help']);
    expect(code).toBe(0);
    const [subcommand] = /^[a-z]+(?= |$)/.exec(rest) ?? [];
    if (subcommand !== undefined && /^Usage: gatelodge \S+ [a-z]+ /m.test(out))
      expect(out).toMatch(new RegExp(`gatelodge ${name} ${subcommand}\\b`));
    for (const [option] of rest.matchAll(/(?<=^|[\s[])--?[a-z][a-z-]*/g))
      if (option !== '--help') expect(out).toMatch(new RegExp(`(?:^|[\\s\\[,(])${option}(?![\\w-])`, 'm'));
  });
});
