import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';
import { rewriteFile } from '../../src/config/replace-file.ts';
import { replaceScalars } from '../../src/config/write-back.ts';
import { directoryWith } from './loading.ts';

const NEW = '$argon2id$v=19$m=19456,t=2,p=1$abc$def';

function fileWith(text: string): string {
  return join(directoryWith({ 'gatelodge.yaml': text }), 'gatelodge.yaml');
}

/** Replaces the password of the first user of the list. */
function replaceFirst(text: string, expected: string, value = NEW): { text: string; outcome: string; skipped: number } {
  const file = fileWith(text);
  const { outcome, skipped } = replaceScalars(file, [{ path: ['users', 0, 'password'], expected, value }]);
  return { text: readFileSync(file, 'utf8'), outcome, skipped: skipped.length };
}

describe('replaceScalars', () => {
  it.each([
    ['plain', 'pw # why', 'pw', `"${NEW}" # why`],
    ['single-quoted', "'p''w' # why", "p'w", `"${NEW}" # why`],
    ['double-quoted', '"p\\u0077"', 'pw', `"${NEW}"`],
    ['tagged', '!!str pw', 'pw', `!!str "${NEW}"`],
    ['on several lines', 'two\n        words', 'two words', `"${NEW}"`],
    ['a block', '|-\n        pw', 'pw', `"${NEW}"`],
    ['a folded block with a comment', '>- # why\n        two\n        words', 'two words', `"${NEW}"`],
    ['escaped', '"$$' + '{X}"', '$' + '{X}', `"${NEW}"`],
  ])('replaces a %s text', (_, source, expected, replaced) => {
    const frame = (scalar: string) =>
      `# top\nusers:\n  -   username: bob   # first\n      password:  ${scalar}\n      roles: [ a,b ]\n\n# end`;
    expect(replaceFirst(frame(source), expected)).toEqual({ text: frame(replaced), outcome: 'written', skipped: 0 });
  });

  it('replaces in flow style, in maps of names, with CRLF and a byte order mark, several at once', () => {
    const text =
      '\ufeffusers: [{username: a, password: one}, {"password":"two","username":b}]\r\nauth_plugins:\r\n  x:\r\n    type: basic\r\n    users: {bob: three,eve: four} # x\r\n';
    const file = fileWith(text);
    const result = replaceScalars(file, [
      { path: ['auth_plugins', 'x', 'users', 'bob'], expected: 'three', value: 'C' },
      { path: ['users', 1, 'password'], expected: 'two', value: 'B' },
      { path: ['users', 0, 'password'], expected: 'one', value: 'A' },
      { path: ['auth_plugins', 'x', 'users', 'eve'], expected: 'not four', value: 'D' },
    ]);
    expect(result).toEqual({ outcome: 'written', skipped: [['auth_plugins', 'x', 'users', 'eve']] });
    expect(readFileSync(file, 'utf8')).toBe(text.replace('one', '"A"').replace('"two"', '"B"').replace('three', '"C"'));
  });

  it.each([
    ['changed meanwhile', 'users: [{username: a, password: other}]\n'],
    ['gone', 'users: []\n'],
    ['from the environment', 'users: [{username: a, password: "$' + '{PW}"}]\n'],
    ['from a file', 'users: [{username: a, password_file: pw}]\n'],
    ['an alias', 'backend: &x pw\nusers: [{username: a, password: *x}]\n'],
    ['an anchor', 'users: [{username: a, password: &x pw}]\nbackend: *x\n'],
    ['below an anchor', 'users: [&x {username: a, password: pw}]\nbackend: *x\n'],
    ['below an alias', 'backend: &x {username: a, password: pw}\nusers: [*x]\n'],
    ['a number', 'users: [{username: a, password: 1}]\n'],
    ['no YAML', 'users: [{username: a, password: pw}\n'],
  ])('leaves a text alone that is %s', (_, text) => {
    expect(replaceFirst(text, 'pw')).toEqual({ text, outcome: 'unchanged', skipped: 1 });
  });

  it('keeps every other byte, whatever stands around', () => {
    const comment = fc.stringMatching(/^[ -~äß→\t]{0,20}$/);
    const style = fc.constantFrom(
      (text: string) => `'${text.replaceAll("'", "''")}'`,
      (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
    );
    const password = fc.stringMatching(/^[!-~é漢]{1,20}$/).filter((text) => !text.includes('$' + '{'));
    const entry = fc.record({ comment, password, style, flow: fc.boolean(), blanks: fc.constantFrom('', '   ') });
    const file = fileWith('');
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('\n', '\r\n'),
        fc.nat(4),
        (entries, eol, pick) => {
          const chosen = pick % entries.length;
          const text = (replaced: boolean) =>
            entries.reduce((lines, { comment: why, password: own, style: quote, flow, blanks }, index) => {
              const scalar = replaced && index === chosen ? `"${NEW}"` : quote(own);
              const fields = flow
                ? `{${blanks}username: u${index},password: ${scalar}${blanks}}`
                : `password: ${blanks}${scalar}`;
              const rest = flow ? '' : `${eol}    username: u${index}`;
              return `${lines}  - ${fields} # ${why}${rest}${eol}`;
            }, `# top${eol}users:${eol}`);
          writeFileSync(file, text(false));
          const expected = entries[chosen]?.password ?? '';
          expect(replaceScalars(file, [{ path: ['users', chosen, 'password'], expected, value: NEW }]).outcome).toBe(
            'written',
          );
          expect(readFileSync(file, 'utf8')).toBe(text(true));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('puts in what is read back, whatever it is', async () => {
    const file = fileWith('');
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), async (value) => {
        writeFileSync(file, 'users:\n  - username: a\n    password: pw\n    roles: [x]\n');
        replaceScalars(file, [{ path: ['users', 0, 'password'], expected: 'pw', value }]);
        const loaded = await loadConfiguration({ file, env: {} });
        const read = loaded.configuration?.users[0]?.password;
        expect(read === value || loaded.problems.some((problem) => problem.code === 'unusable-hash')).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('rewriteFile', () => {
  it('keeps the mode and a link, and leaves nothing behind', () => {
    const file = fileWith('old\n');
    chmodSync(file, 0o640);
    const link = `${file}.link`;
    symlinkSync(file, link);
    expect(rewriteFile(link, () => 'new\n')).toBe('written');
    expect(readFileSync(file, 'utf8')).toBe('new\n');
    expect(statSync(file).mode & 0o7777).toBe(0o640);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(file, '..')).toSorted()).toEqual(['gatelodge.yaml', 'gatelodge.yaml.link']);
  });

  it('leaves a file alone that nobody may write', () => {
    const file = fileWith('old\n');
    chmodSync(file, 0o444);
    expect(rewriteFile(file, () => 'new\n')).toBe('read-only');
    expect(readFileSync(file, 'utf8')).toBe('old\n');
    expect(readdirSync(join(file, '..'))).toEqual(['gatelodge.yaml']);
  });

  it('does not lose a change that comes in between', () => {
    const file = fileWith('a\n');
    let edits = 0;
    const outcome = rewriteFile(file, (text) => {
      edits += 1;
      if (edits === 1) writeFileSync(file, 'b\n');
      return `${text}+\n`;
    });
    expect([outcome, edits, readFileSync(file, 'utf8')]).toEqual(['written', 2, 'b\n+\n']);
  });

  it('gives up on a file that never stands still', () => {
    const file = fileWith('a\n');
    let edits = 0;
    expect(
      rewriteFile(file, (text) => {
        edits += 1;
        writeFileSync(file, `${edits}\n`);
        return `${text}+\n`;
      }),
    ).toBe('read-only');
    expect(readFileSync(file, 'utf8')).toBe('3\n');
  });
});
