import { PassThrough } from 'node:stream';
import { main } from '../../src/main.ts';

/*
 * An administrator in a hurry, in a process of its own: `commands.ts FILE USER…`. Makes keys, revokes every other one, and locks and
 * unlocks the users in turn, by the commands' own code, until somebody ends it. Says what it is about to do and what was
 * done, one line of JSON each: {key}, {revoking}, {revoked}, {locking}, {locked: user, to}.
 */
const [file = '', ...users] = process.argv.slice(2);
const say = (line: Readonly<Record<string, unknown>>): unknown => process.stdout.write(`${JSON.stringify(line)}\n`);

async function run(...args: string[]): Promise<string> {
  let out = '';
  let err = '';
  const stdin = new PassThrough();
  stdin.end();
  const code = await main([...args, '-c', file], {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      err += text;
    },
    // All that a command asks of it is to be read, and whether somebody types.
    stdin: Object.assign(stdin, { isTTY: false }) as unknown as NodeJS.ReadStream,
    env: {},
    interactive: false,
  });
  if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
  return out.trim();
}

for (let turn = 0; ; turn += 1) {
  const user = users[turn % users.length] ?? '';
  const key = await run('keys', 'create', '--user', 'alice', '--name', `key ${turn}`);
  say({ key });
  if (turn % 2 === 0) {
    say({ revoking: key });
    await run('keys', 'revoke', key.split('.')[0] ?? '');
    say({ revoked: key });
  }
  const to = Math.floor(turn / users.length) % 2 === 0;
  say({ locking: user });
  await run('users', to ? 'lock' : 'unlock', user);
  say({ locked: user, to });
}
