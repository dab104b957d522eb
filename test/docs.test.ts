import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../src/domain/decision.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

const PAGES = ['*.md', 'docs/*.md', 'deploy/*/README.md', 'examples/*/README.md'];

/** The anchors of a page's headings, as forges make them. */
function headings(page: string): string[] {
  return [...page.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the documentation', () => {
  it('explains every reason, and no other', () => {
    const explained = [...read('docs/reasons.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    expect(explained.toSorted()).toEqual([...REASONS].sort());
  });

  it.each(globSync(PAGES, { cwd: root }).sort())('%s links to files and headings that are there', (file) => {
    for (const [, link = ''] of read(file).matchAll(/\]\((?!https?:|mailto:)([^)]+)\)/g)) {
      const [path = '', heading] = link.split('#');
      const target = path === '' ? file : join(file, '..', path);
      expect(() => statSync(join(root, target)), `${file} links to ${link}`).not.toThrow();
      if (heading !== undefined) expect(headings(read(target)), `${file} links to ${link}`).toContain(heading);
    }
  });

  it('explains every code of the client’s errors, and no other', () => {
    const codes = [...read('src/client/errors.ts').matchAll(/^ {2}\| '([a-z-]+)'/gm)].map((match) => match[1]);
    const section =
      read('docs/client.md')
        .split('\n## ')
        .find((text) => text.startsWith('Errors\n')) ?? '';
    const explained = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)];
    expect(codes).toHaveLength(11);
    expect(explained.map((match) => match[1])).toEqual(codes);
  });

  it('keeps the README short', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(251);
  });
});
