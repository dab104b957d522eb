import { createHmac, randomBytes } from 'node:crypto';
import type { BasicOptions } from '../config/plugin-options.ts';
import type { Identity } from '../domain/identity.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import type { User } from '../domain/user.ts';
import { basicCredentials, readAuthorization } from './authorization.ts';
import { type BuiltInContext, identityOf } from './built-in.ts';
import { createOwnUsers } from './own-users.ts';
import {
  type AuthenticationPlugin,
  type AuthenticationResult,
  CREDENTIALS_REJECTED,
  makeIdentity,
  NOT_RESPONSIBLE,
} from './plugin-api.ts';
import { createRemembered } from './remembered.ts';

/** Users that Basic credentials are held against: the directory, or the instance's own. */
interface Realm<Entry extends object> {
  /** Who it is; null for a bad password, whatever is wrong with it. */
  verify(username: string, password: string, address: string | null): Promise<Entry | null>;
  /** The identity, as long as what was verified is still what is stored; else null. */
  current(entry: Entry): MaybePromise<Identity | null>;
  close?(): void;
}

/** HTTP Basic (RFC 7617) against the directory, or against users of the instance's own. */
export async function createBasicPlugin(options: BasicOptions, context: BuiltInContext): Promise<AuthenticationPlugin> {
  const challenge = `Basic realm="${options.realm}", charset="UTF-8"`;
  const hasOwn = options.users !== undefined || options.htpasswd !== undefined;
  if (hasOwn) return basicPlugin(await ownRealm(options, context), challenge, options.remember, context);
  return basicPlugin(directoryRealm(context), challenge, options.remember, context);
}

function basicPlugin<Entry extends object>(
  realm: Realm<Entry>,
  challenge: string,
  remember: number,
  context: BuiltInContext,
): AuthenticationPlugin {
  const remembered = createRemembered<Entry>(context.clock, remember);
  // A key of this process alone: what is remembered can't be compared with anything outside.
  const key = randomBytes(32);

  function verified(entry: Entry | null): MaybePromise<AuthenticationResult> {
    if (entry === null) return CREDENTIALS_REJECTED;
    return andThen(realm.current(entry), (identity) =>
      identity === null ? CREDENTIALS_REJECTED : { kind: 'authenticated', identity },
    );
  }

  return {
    challenge,
    authenticate(request) {
      const authorization = readAuthorization(request.headers.get('authorization'));
      if (authorization?.scheme !== 'basic') return NOT_RESPONSIBLE;
      const digest = createHmac('sha256', key).update(authorization.credentials).digest('base64url');
      const begin = (): MaybePromise<AuthenticationResult> => {
        const credentials = basicCredentials(authorization);
        if (credentials === null) return CREDENTIALS_REJECTED;
        const { username, password } = credentials;
        const check = async () => {
          const value = await realm.verify(username, password, request.clientAddress());
          return value === null ? null : { value, until: Number.POSITIVE_INFINITY };
        };
        return remembered.check(digest, check).then(verified);
      };
      const known = remembered.get(digest);
      if (known === undefined) return begin();
      return andThen(realm.current(known), (identity) =>
        identity === null ? begin() : { kind: 'authenticated', identity },
      );
    },
    close: () => realm.close?.(),
  };
}

interface DirectoryEntry {
  readonly userId: string;
  readonly passwordHash: string | null;
  user: User | null;
  identity: Identity | null;
}

/** Who sends the password along proves themselves with every request, so the proof is never too old. */
const ALWAYS = Number.POSITIVE_INFINITY;

function directoryRealm({ directory, login, instance }: BuiltInContext): Realm<DirectoryEntry> {
  const extra = { methods: [instance], scopes: null, authenticatedAt: ALWAYS };
  return {
    async verify(username, password, address) {
      const user = await login(username, password, address);
      return user === null ? null : { userId: user.id, passwordHash: user.passwordHash, user: null, identity: null };
    },
    current: (entry) =>
      andThen(directory.byId(entry.userId), (user) => {
        if (user === null || user.locked || user.passwordHash !== entry.passwordHash) return null;
        if (entry.user !== user || entry.identity === null) {
          entry.user = user;
          entry.identity = identityOf(user, extra);
        }
        return entry.identity;
      }),
  };
}

async function ownRealm(
  options: BasicOptions,
  context: BuiltInContext,
): Promise<Realm<{ username: string; passwordHash: string; identity: Identity }>> {
  const { instance } = context;
  const users = await createOwnUsers(options, context);
  return {
    async verify(username, password) {
      const passwordHash = await users.verify(username, password);
      if (passwordHash === null) return null;
      const identity = makeIdentity({
        subject: `${instance}:${username}`,
        username,
        methods: [instance],
        authenticatedAt: ALWAYS,
      });
      return { username, passwordHash, identity };
    },
    current: (entry) => (users.hashOf(entry.username) === entry.passwordHash ? entry.identity : null),
    close: users.close,
  };
}
