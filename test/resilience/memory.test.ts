import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ask } from '../support/http-client.ts';
import { serve } from './kill-stage.ts';

/** Each hash takes 19 MiB, and without what start-over.ts does each of the threads that hash keeps them. */
it.runIf(process.platform === 'linux' && isGlibc())('what passwords took to be hashed is given back', async () => {
  const stage = await serve();
  // The first start has hashed what the file says.
  await stage.halt();
  await stage.start();
  const before = residentMemory(stage.pid());
  for (let round = 0; round < 4; round += 1) {
    const statuses = await Promise.all(Array.from({ length: 8 }, () => logIn(stage.base)));
    expect(new Set(statuses)).toEqual(new Set([200]));
  }
  expect(residentMemory(stage.pid()) - before).toBeLessThan(25);
});

async function logIn(base: string): Promise<number> {
  const body = JSON.stringify({ username: 'alice', password: 'correct-horse' });
  const answer = await ask(`${base}/auth`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return answer.status;
}

/** In MB. */
function residentMemory(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return (Number(kibibytes) * 1_024) / 1e6;
}

function isGlibc(): boolean {
  const { header } = process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
