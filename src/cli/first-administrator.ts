import { randomBytes } from 'node:crypto';
import type { Core } from '../compose/core.ts';
import { newId } from '../domain/secret.ts';

export interface FirstAdministrator {
  readonly username: string;
  /** Shown once, stored nowhere. */
  readonly password: string;
}

/** A password that can be typed: 20 characters without look-alikes, 100 random bits. */
export function inventPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const characters: string[] = [];
  while (characters.length < 20) {
    // 248 is the largest multiple of 31 in a byte: beyond it, some letters would come more often.
    for (const byte of randomBytes(32)) if (byte < 248) characters.push(letters.charAt(byte % letters.length));
  }
  return [0, 5, 10, 15].map((at) => characters.slice(at, at + 5).join('')).join('-');
}

/** Makes the administrator of a directory that has nobody in it yet; null where it has. */
export async function createFirstAdministrator(core: Core): Promise<FirstAdministrator | null> {
  if ((await core.directory.list()).length > 0) return null;
  const password = inventPassword();
  const fields = {
    username: 'admin',
    name: 'Administrator',
    email: '',
    roles: ['admin'],
    groups: [],
    networks: [],
    passwordHash: await core.passwords.hash(password),
  };
  await core.store.users.insert(newId('usr_'), fields, core.clock());
  core.log.audit({ event: 'user.created', user: fields.username });
  return { username: fields.username, password };
}
