import { type Command, DONE, FAILED, readOptions } from './command.ts';

export const command: Command = {
  summary: 'makes or verifies the hash of a password',
  usage: `Usage: gatelodge hash [--verify HASH]

  --verify HASH  says whether the password is the hash's: yes (exit 0) or no (exit 1)

The password is asked for on a terminal, or is one line of standard input. The hash is argon2id, for gatelodge.yaml.`,
  async run(args, terminal) {
    const { values } = readOptions(args, { verify: { type: 'string' } });
    const { classifyPassword, createPasswords } = await import('../adapters/passwords.ts');
    const { readPassword } = await import('./password-input.ts');
    const passwords = createPasswords({ concurrency: 1, queue: 1 });
    const { verify: hash } = values;
    if (hash === undefined) {
      terminal.out(`${await passwords.hash(await readPassword(terminal, { twice: true }))}\n`);
      return DONE;
    }
    const found = classifyPassword(hash);
    if (found.kind === 'plain' || found.kind === 'unusable') {
      const why =
        found.kind === 'plain' ? 'it is no argon2id or bcrypt hash (in a shell, put it in single quotes)' : found.why;
      terminal.error(`gatelodge hash: the hash cannot be used: ${why}\n`);
      return FAILED;
    }
    const matches = await passwords.verify(hash, await readPassword(terminal, { twice: false }));
    terminal.out(matches ? 'yes\n' : 'no\n');
    return matches ? DONE : FAILED;
  },
};
