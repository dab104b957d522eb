import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatelodgeError } from '../domain/errors.ts';
import { failureCode, fileFailure } from '../domain/system-failure.ts';
import { type Command, DONE, readOptions, type Terminal } from './command.ts';

const DEFAULT_URL = 'http://127.0.0.1:9190';

export const command: Command = {
  summary: 'writes a configuration, a secret and a first administrator',
  usage: `Usage: gatelodge init [DIR] [--yes]

  DIR    where gatelodge.yaml and data/ are made (default the working directory)
  --yes  asks nothing

Asks on a terminal where browsers will reach gatelodge. Nothing that is there already is overwritten.`,
  async run(args, terminal) {
    const { values, positionals } = readOptions(args, { yes: { type: 'boolean', default: false } }, 1);
    const directory = positionals[0] ?? '.';
    const file = join(directory, 'gatelodge.yaml');
    if (existsSync(file)) throw alreadyThere(file);
    const asks = !values.yes && terminal.stdin.isTTY === true;
    const publicUrl = asks ? await askForUrl(terminal) : DEFAULT_URL;
    const { template } = await import('./configuration-template.ts');
    const { withCore } = await import('./with-core.ts');
    const { createFirstAdministrator } = await import('./first-administrator.ts');
    const data = join(directory, 'data');
    const hadSecret = existsSync(join(data, 'secret'));
    writeNew(directory, file, template(publicUrl));
    try {
      return await withCore(file, terminal, async (core) => {
        const administrator = await createFirstAdministrator(core);
        const lines = [
          `Made ${file}`,
          hadSecret ? `Kept ${data}` : `Made ${data} with a secret (mode 0600) and the database`,
          '',
          ...(administrator === null
            ? ['The directory has users already: no administrator was made.']
            : [
                'An administrator was made. This password is shown once:',
                `  user name  ${administrator.username}`,
                `  password   ${administrator.password}`,
              ]),
          '',
          `Next: gatelodge check -c ${file}`,
          `      gatelodge serve -c ${file}`,
        ];
        terminal.out(`${lines.join('\n')}\n`);
        return DONE;
      });
    } catch (error) {
      // Half of it would only stand in the way of the next attempt.
      rmSync(file, { force: true });
      throw error;
    }
  },
};

async function askForUrl(terminal: Terminal): Promise<string> {
  const { ask } = await import('./password-input.ts');
  const { httpUrl } = await import('../config/values.ts');
  for (;;) {
    const answer = await ask(terminal, 'Where will browsers reach gatelodge?', DEFAULT_URL);
    if (httpUrl().safeParse(answer).success) return answer;
    terminal.error('That is no absolute http:// or https:// URL.\n');
  }
}

function writeNew(directory: string, file: string, text: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    // `wx`: whoever else makes the file meanwhile keeps theirs. 0600, because passwords and secrets may come into it.
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (failureCode(error) === 'EEXIST') throw alreadyThere(file);
    throw new GatelodgeError('conflict', `${file} cannot be written: ${fileFailure(error)}`, { cause: error });
  }
}

function alreadyThere(file: string): GatelodgeError {
  return new GatelodgeError('already-exists', `${file} is there already, and is left as it is`);
}
