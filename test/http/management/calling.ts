import { COMMAND } from '../../../src/domain/key-reach.ts';
import type { User, UserFields } from '../../../src/domain/user.ts';
import type { ApiKeyRequest } from '../../../src/flows/api-keys.ts';
import type { PublicStand } from '../public-stand.ts';
import { ORIGIN, visitor } from '../visitor.ts';

/** An answer of the management API. */
export interface Answered {
  readonly status: number;
  // What stands in it is what the tests assert.
  readonly body: Record<string, unknown>;
  /** `201`, or the status and the code. */
  readonly short: string;
}
export type Call = (method: string, path: string, body?: unknown) => Promise<Answered>;

/** Calls with these header fields. */
export function calling(stand: PublicStand, headers: Record<string, string>): Call {
  return async (method, path, body) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const init: RequestInit = { method, headers: { ...json, ...headers } };
    if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await stand.request(`/gate/api/v1${path}`, init);
    const text = await response.text();
    const parsed = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const short = response.status < 300 ? String(response.status) : `${response.status} ${parsed['error']}`;
    return { status: response.status, body: parsed, short };
  };
}

/** Calls as alice, who is an administrator, from a page of the origin. */
export async function asAdministrator(stand: PublicStand): Promise<Call> {
  const person = visitor(stand);
  await person.logIn();
  const answer = await person.get('/gate/api/v1/csrf', { accept: 'application/json' });
  const { token } = (await answer.json()) as { token: string };
  const cookie = [...person.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  return calling(stand, { cookie, 'x-csrf-token': token, origin: ORIGIN });
}

/** A key that a command made, with the scope `keys`. */
export async function keyOfUser(stand: PublicStand, user: User, request: Partial<ApiKeyRequest> = {}): Promise<string> {
  const whole = { name: 'manager', scopes: ['keys'], expiresAt: null, ...request };
  return (await stand.apiKeys.create(user, whole, COMMAND)).text;
}

export function addUser(stand: PublicStand, username: string, fields: Partial<UserFields> = {}): Promise<User> {
  const whole = { username, name: '', email: '', roles: [], groups: [], networks: [], passwordHash: null, ...fields };
  return stand.store.users.insert(`usr_${username}`, whole, stand.now());
}
