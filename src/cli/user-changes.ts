import type { Core } from '../compose/core.ts';
import { emailAddress } from '../config/values.ts';
import { replaceScalars } from '../config/write-back.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { parseNetwork } from '../domain/network.ts';
import { newId } from '../domain/secret.ts';
import { isUsername, type User, type UserFields } from '../domain/user.ts';
import { requireUser } from '../flows/directory.ts';
import { DONE, readOptions, type Terminal, UsageError } from './command.ts';
import { CONFIG_OPTION } from './configuration.ts';
import { inventPassword } from './first-administrator.ts';
import { readPassword } from './password-input.ts';
import { required, type Subcommand } from './subcommands.ts';
import { withCore } from './with-core.ts';

const FIELDS = {
  email: { type: 'string' },
  name: { type: 'string' },
  role: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  network: { type: 'string', multiple: true },
} as const;
const GENERATE = { generate: { type: 'boolean', default: false } } as const;

export const add: Subcommand = (args, terminal) => {
  const { values, positionals } = readOptions(args, { ...CONFIG_OPTION, ...FIELDS, ...GENERATE }, 1);
  const username = required(positionals[0], 'the name of a user');
  const fields = fieldsOf(values);
  return withCore(values.config, terminal, async (core) => {
    if (!isUsername(username)) {
      const message =
        'a user name has no colons, commas, slashes, quotes or control characters, and at most 128 letters';
      throw new GatelodgeError('invalid-request', message);
    }
    // Asked for before the password is: nobody types one in vain.
    const known = await core.directory.byUsername(username);
    if (known !== null) {
      throw new GatelodgeError('already-exists', `there is a user ${username}, from ${placeOf(known, core)}`);
    }
    const password = await newPassword(values.generate, terminal);
    const passwordHash = await core.passwords.hash(password.text);
    const empty = { name: '', email: '', roles: [], groups: [], networks: [] };
    await core.store.users.insert(newId('usr_'), { ...empty, ...fields, username, passwordHash }, core.clock());
    core.log.audit({ event: 'user.created', user: username });
    return said(`${username} is added`, password.toShow, terminal);
  });
};

export const set: Subcommand = (args, terminal) => {
  const { values, positionals } = readOptions(args, { ...CONFIG_OPTION, ...FIELDS }, 1);
  const username = required(positionals[0], 'the name of a user');
  const fields = fieldsOf(values);
  if (Object.keys(fields).length === 0) throw new UsageError('nothing to set');
  return withCore(values.config, terminal, async (core) => {
    const user = await databaseUser(core, username);
    if (!(await core.store.users.update(user.id, fields, core.clock()))) throw gone(username);
    core.log.audit({ event: 'user.changed', user: username, detail: { fields: Object.keys(fields).join(',') } });
    return said(`${username} is changed`, null, terminal);
  });
};

export const lock: Subcommand = (args, terminal) =>
  withUser(args, terminal, async (core, user) => {
    await core.store.users.setLocked(user.id, true, core.clock());
    core.log.audit({ event: 'user.locked', user: user.username, detail: await endLogins(core, user) });
    return said(`${user.username} is locked`, null, terminal);
  });

export const unlock: Subcommand = (args, terminal) =>
  withUser(args, terminal, async (core, user) => {
    const entry = core.configuration.users[indexInFile(core.configuration.users, user)];
    if (entry?.locked === true) {
      throw new GatelodgeError('conflict', `${user.username} is locked by ${placeOf(user, core)}: change it there`);
    }
    await core.store.users.setLocked(user.id, false, core.clock());
    core.log.audit({ event: 'user.unlocked', user: user.username });
    return said(`${user.username} is unlocked`, null, terminal);
  });

export const remove: Subcommand = (args, terminal) => {
  const { values, positionals } = readOptions(args, CONFIG_OPTION, 1);
  const username = required(positionals[0], 'the name of a user');
  return withCore(values.config, terminal, async (core) => {
    const user = await databaseUser(core, username);
    if (!(await core.store.users.delete(user.id))) throw gone(username);
    core.log.audit({ event: 'user.deleted', user: username });
    return said(`${username} is deleted, with all sessions, tokens and API keys`, null, terminal);
  });
};

export const password: Subcommand = (args, terminal) => {
  const { values, positionals } = readOptions(args, { ...CONFIG_OPTION, ...GENERATE }, 1);
  const username = required(positionals[0], 'the name of a user');
  return withCore(values.config, terminal, async (core) => {
    const user = await requireUser(core.directory, username);
    const next = await newPassword(values.generate, terminal);
    const passwordHash = await core.passwords.hash(next.text);
    if (user.source === 'file') {
      replaceInFile(core, user, passwordHash);
      // A running service is told, and reads the file again.
      await core.store.users.announce(user.id);
    } else if (!(await core.store.users.update(user.id, { passwordHash }, core.clock()))) throw gone(username);
    core.log.audit({ event: 'user.password-changed', user: username, detail: await endLogins(core, user) });
    return said(`${username} has a new password`, next.toShow, terminal);
  });
};

/** Whatever was begun with a password ends: sessions, and tokens with what they can be refreshed with. API keys go on. */
async function endLogins(core: Core, user: User): Promise<{ readonly sessions: number; readonly tokens: number }> {
  const sessions = await core.sessions.revokeAll(user.id);
  return { sessions, tokens: await core.store.refreshTokens.revokeByUser(user.id, core.clock()) };
}

/** Puts the hash where the configuration file has the user's password. @throws GatelodgeError `conflict` where it cannot be */
function replaceInFile({ configuration, file }: Core, user: User, passwordHash: string): void {
  const index = indexInFile(configuration.users, user);
  const expected = configuration.users[index]?.password;
  const place = `users[${index}].password of ${file}`;
  if (expected === undefined) throw new GatelodgeError('conflict', `there is no ${place} to replace`);
  const { outcome, skipped } = replaceScalars(file, [
    { path: ['users', index, 'password'], expected, value: passwordHash },
  ]);
  if (outcome === 'read-only') throw new GatelodgeError('conflict', `${file} cannot be written`);
  if (outcome === 'unchanged' || skipped.length > 0) {
    throw new GatelodgeError('conflict', `${place} comes from elsewhere, or was changed meanwhile: change it there`);
  }
}

function withUser(
  args: readonly string[],
  terminal: Terminal,
  run: (core: Core, user: User) => Promise<number>,
): Promise<number> {
  const { values, positionals } = readOptions(args, CONFIG_OPTION, 1);
  const username = required(positionals[0], 'the name of a user');
  return withCore(values.config, terminal, async (core) => run(core, await requireUser(core.directory, username)));
}

/** @throws GatelodgeError `not-found`, or `conflict` for a user of the configuration file */
async function databaseUser(core: Core, username: string): Promise<User> {
  const user = await requireUser(core.directory, username);
  if (user.source === 'database') return user;
  throw new GatelodgeError('conflict', `${username} is from ${placeOf(user, core)}: change it there`);
}

function placeOf(user: User, { configuration, file }: Core): string {
  return user.source === 'database' ? 'the database' : `users[${indexInFile(configuration.users, user)}] of ${file}`;
}

function indexInFile(users: Core['configuration']['users'], { username }: User): number {
  return users.findIndex((entry) => entry.username === username);
}

/** What is set of a user. @throws GatelodgeError `invalid-request` */
function fieldsOf(values: {
  readonly email?: string;
  readonly name?: string;
  readonly role?: readonly string[];
  readonly group?: readonly string[];
  readonly network?: readonly string[];
}): Partial<Omit<UserFields, 'username' | 'passwordHash'>> {
  const { email, name, role, group, network } = values;
  if (email !== undefined && email !== '' && !emailAddress.safeParse(email).success) {
    throw new GatelodgeError('invalid-request', '--email takes an e-mail address');
  }
  if ([name ?? '', ...(role ?? []), ...(group ?? [])].some((text) => /\p{C}/u.test(text))) {
    throw new GatelodgeError('invalid-request', 'names, roles and groups hold no control characters');
  }
  if (network?.some((text) => text !== '' && parseNetwork(text) === null) === true) {
    throw new GatelodgeError('invalid-request', '--network takes an IP address or a network such as 10.0.0.0/8');
  }
  const names = (list: readonly string[]) => [...new Set(list.filter((text) => text !== ''))];
  return {
    ...(email === undefined ? {} : { email }),
    ...(name === undefined ? {} : { name }),
    ...(role === undefined ? {} : { roles: names(role) }),
    ...(group === undefined ? {} : { groups: names(group) }),
    ...(network === undefined ? {} : { networks: names(network) }),
  };
}

async function newPassword(generate: boolean, terminal: Terminal): Promise<{ text: string; toShow: string | null }> {
  if (!generate) return { text: await readPassword(terminal, { twice: true }), toShow: null };
  const text = inventPassword();
  return { text, toShow: text };
}

/** Says what was done; on standard error where standard output has a password alone, which is in no other place. */
function said(text: string, shownOnce: string | null, terminal: Terminal): number {
  if (shownOnce === null) terminal.out(`${text}\n`);
  else {
    terminal.error(`${text}; the password is shown once\n`);
    terminal.out(`${shownOnce}\n`);
  }
  return DONE;
}

function gone(username: string): GatelodgeError {
  return new GatelodgeError('not-found', `there is no user ${username}`);
}
