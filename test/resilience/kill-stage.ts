import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { type RunningProgram, startProgram } from '../support/child-process.ts';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { comeAndGo, enterCommands, type Ledger } from './ledger.ts';
import { startLoad } from './load.ts';
import { until } from './stage.ts';

const VISITORS = ['alice', 'bob', 'carol'];
const LOCKED_IN_TURN = ['dan', 'erin', 'frank'];

export interface Stage extends Gatelodge {
  readonly base: string;
}

/** A service that these people can log in to, until the test ends. @param more configuration */
export async function serve(more = ''): Promise<Stage> {
  const port = await freePort();
  const users = [...VISITORS, ...LOCKED_IN_TURN].map((name) => `{username: ${name}, password: correct-horse}`);
  const yaml = `listen: {port: ${port}}\nusers: [${users.join(', ')}]\n${more}`;
  const gatelodge = await startGatelodge({ yaml, ready: port });
  onTestFinished(gatelodge.stop);
  return { ...gatelodge, base: `http://127.0.0.1:${port}` };
}

/** People come and go and an administrator works, until enough was acknowledged; then, in the middle of it, `kill`. @returns how often what happened */
export async function underLoad(
  stage: Stage,
  ledger: Ledger,
  kill: (administrator: RunningProgram) => Promise<unknown>,
): Promise<Readonly<Record<string, number>>> {
  const file = join(stage.directory, 'gatelodge.yaml');
  const commands = join(import.meta.dirname, 'commands.ts');
  const administrator = await startProgram(process.execPath, [commands, file, ...LOCKED_IN_TURN]);
  let turn = 0;
  const load = startLoad(6, async () => {
    turn += 1;
    const what = await comeAndGo(stage.base, ledger, VISITORS[turn % VISITORS.length] ?? '', turn % 3 === 0);
    // What is refused at once would only keep the processor busy.
    if (what === 'broken') await sleep(50);
    return what;
  });
  const before = ledger.sessions.size;
  await until(() => ledger.sessions.size > before + 20 && administrator.output().split('"locked"').length > 8, 90_000);
  await kill(administrator);
  const { counts } = await load.stop();
  await administrator.stop('SIGKILL');
  // What it had written may still be in the pipe.
  await sleep(200);
  enterCommands(ledger, administrator.output());
  expect(ledger.surprises).toEqual([]);
  return counts;
}
