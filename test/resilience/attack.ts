import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '../support/child-process.ts';

export interface Progress {
  readonly tried: number;
  readonly open: number;
  readonly closed: number;
  /** How many answers there were of each status. */
  readonly answers: Readonly<Record<string, number>>;
}
export interface Attack {
  progress(): Progress;
  stop(): Promise<void>;
}

/**
 * An attack on a port of 127.0.0.1, by a process of its own. Resolves when all its connections have been made.
 * @param kind one of those in attacker.ts
 */
export async function startAttack(kind: string, port: number, count: number): Promise<Attack> {
  const file = join(import.meta.dirname, 'attacker.ts');
  const program = await startProgram(process.execPath, [file, kind, String(port), String(count)]);
  const progress = (): Progress => {
    const [line] = program.output().split('\n').slice(-2);
    return line === undefined || line === ''
      ? { tried: 0, open: 0, closed: 0, answers: {} }
      : (JSON.parse(line) as Progress);
  };
  for (const end = Date.now() + 30_000; progress().open + progress().closed < count; await sleep(50)) {
    if (program.exited || Date.now() > end) throw new Error(`the attack did not come about: ${program.output()}`);
  }
  return {
    progress,
    async stop() {
      await program.stop();
    },
  };
}

/** As many connections as a process may have beside its other files, `most` at most. What this one may, its children may. */
export function affordable(most: number): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1_024);
  return Math.min(most, limit - 500);
}
