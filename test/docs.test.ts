import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../src/domain/decision.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe('the documentation', () => {
  it('explains every reason, and no other', () => {
    const explained = [...read('docs/reasons.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    expect(explained.toSorted()).toEqual([...REASONS].sort());
  });

  it('links to files that are there', () => {
    for (const file of [
      'README.md',
      'SECURITY.md',
      'docs/nginx.md',
      'docs/plugins.md',
      'docs/client.md',
      'docs/pages.md',
      'docs/brute-force.md',
      'docs/identity-jwt.md',
      'docs/reasons.md',
      'docs/commands.md',
      'docs/api-keys.md',
      'docs/management-api.md',
      'docs/jwthenticator.md',
      'deploy/nginx/README.md',
    ]) {
      const folder = join(root, file, '..');
      for (const [, link = ''] of read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)) {
        expect(() => readFileSync(join(folder, link)), `${file} links to ${link}`).not.toThrow(/ENOENT/);
      }
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
