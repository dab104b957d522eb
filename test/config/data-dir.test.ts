import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureDataDir, loadOrCreateSecret } from '../../src/config/data-dir.ts';

describe('data directory', () => {
  let home: string;
  let file: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'gatelodge-data-'));
    file = join(home, 'secret');
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const invalid = (message: RegExp) =>
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringMatching(message) });

  it('is made for its owner alone, with what is above it, and once', () => {
    const dir = join(home, 'a', 'b');
    ensureDataDir(dir);
    ensureDataDir(dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it('cannot be where a file is', () => {
    writeFileSync(file, '');
    expect(() => ensureDataDir(file)).toThrow(invalid(/cannot be made/));
  });

  it('gets a secret of 48 random bytes with mode 0600, once', () => {
    const secret = loadOrCreateSecret(home);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{64}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadOrCreateSecret(home)).toBe(secret);
    expect(readFileSync(file, 'utf8').trim()).toBe(secret);
    expect(readdirSync(home)).toEqual(['secret']);
    const elsewhere = join(home, 'other');
    ensureDataDir(elsewhere);
    expect(loadOrCreateSecret(elsewhere)).not.toBe(secret);
  });

  it('takes a secret that somebody put there, without its trailing newline', () => {
    writeFileSync(file, `${'é'.repeat(16)}\r\n`, { mode: 0o600 });
    expect(loadOrCreateSecret(home)).toBe('é'.repeat(16));
  });

  it.each(['', '\n', 'x'.repeat(31), `${'x'.repeat(31)}\n`])(
    'refuses a secret shorter than 32 bytes: %j',
    (content) => {
      writeFileSync(file, content, { mode: 0o600 });
      expect(() => loadOrCreateSecret(home)).toThrow(invalid(/shorter than 32 bytes/));
      expect(readFileSync(file, 'utf8')).toBe(content);
    },
  );

  it.each([0o640, 0o604, 0o620, 0o610])(
    'refuses a secret file of mode %o and says what to do, without the secret',
    (mode) => {
      const secret = loadOrCreateSecret(home);
      chmodSync(file, mode);
      expect(() => loadOrCreateSecret(home)).toThrow(invalid(/chmod 600/));
      expect(() => loadOrCreateSecret(home)).not.toThrow(secret);
    },
  );

  it('says so where there is no directory', () => {
    expect(() => loadOrCreateSecret(join(home, 'missing'))).toThrow(invalid(/cannot be read or made/));
  });

  it('has one secret where several processes start at once', async () => {
    const module = pathToFileURL(join(import.meta.dirname, '../../src/config/data-dir.ts')).href;
    // All wait for the same file, so that they go within microseconds of each other.
    const go = join(home, 'go');
    const code = `const { existsSync } = await import('node:fs'); const { loadOrCreateSecret } = await import(${JSON.stringify(module)});
      process.stderr.write('ready'); while (!existsSync(${JSON.stringify(go)}));
      process.stdout.write(loadOrCreateSecret(${JSON.stringify(home)}))`;
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, ['--input-type=module', '-e', code]));
    const secrets = children.map((child) => text(child.stdout));
    await Promise.all(children.map((child) => once(child.stderr, 'data')));
    writeFileSync(go, '');
    expect(new Set(await Promise.all(secrets)).size).toBe(1);
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(home).sort()).toEqual(['go', 'secret']);
  });
});
