import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const PAGES = [
  ...['haproxy', 'envoy', 'systemd', 'docker', 'kubernetes'].map((folder) => `deploy/${folder}/README.md`),
  ...['haproxy', 'envoy', 'deployment'].map((page) => `docs/${page}.md`),
];

test.each(PAGES)('%s links to what is there', async (page) => {
  const text = await readFile(page, 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => join(dirname(page), link));
  for (const link of links) await expect(stat(link), link).resolves.toBeDefined();
  // What a README speaks of in code, such as deploy/nginx/minimal.yaml, must be there too.
  const named = [...text.replaceAll(/https?:\S+|mkdir .*/g, '').matchAll(/\b(?:deploy|docs|test)\/[\w./-]*\w/g)].map(
    ([path]) => path,
  );
  for (const path of named) await expect(stat(path), path).resolves.toBeDefined();
});
