import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLogLines } from '../../src/adapters/log-lines.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('lines of the log', () => {
  let directory: Awaited<ReturnType<typeof tempDir>>;
  beforeAll(async () => {
    directory = await tempDir();
  });
  afterAll(() => directory.remove());

  /** What is in the file when all the lines are. */
  async function written(name: string, all: readonly string[], flush: boolean): Promise<string> {
    const file = join(directory.path, name);
    const fd = openSync(file, 'w');
    const lines = openLogLines(fd);
    for (const line of all) lines.write(line);
    if (flush) lines.flush();
    const expected = all.join('');
    await expect.poll(() => readFileSync(file, 'utf8').length, { timeout: 20_000 }).toBe(expected.length);
    closeSync(fd);
    return readFileSync(file, 'utf8');
  }

  it('come out whole and in order: short ones, many, longer than a batch, of other alphabets', async () => {
    const all = Array.from({ length: 3_000 }, (_, index) => {
      const text = index % 500 === 499 ? 'x'.repeat(200_000) : index % 7 === 0 ? 'Żółć 日本 🔑'.repeat(9) : 'line';
      return `${index} ${text}\n`;
    });
    expect(await written('many', all, true)).toBe(all.join(''));
  });

  it('do not wait for ever for others', async () => {
    expect(await written('one', ['alone\n'], false)).toBe('alone\n');
  });
});
