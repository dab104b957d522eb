import { hash, randomBytes } from 'node:crypto';
import type { BasicOptions } from '../config/plugin-options.ts';
import type { Identity } from '../domain/identity.ts';
import type { LoginLimited } from '../domain/login-attempts.ts';
import { andThen, type MaybePromise } from '../domain/maybe-promise.ts';
import { mayComeFrom, type User } from '../domain/user.ts';
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
  verify(username: string, password: string, address: string | null): Promise<Entry | LoginLimited | null>;
  /** The identity, as long as what was verified is still what is stored; else null. */
  current(entry: Entry): MaybePromise<Identity | null>;
  close?(): void;
}

/** HTTP Basic (RFC 7617) against the directory, or against users of the instance's own. */
export async function createBasicPlugin(options: BasicOptions, context: BuiltInContext): Promise<AuthenticationPlugin> {
  const challenge = `Basic realm="${options.realm}", charset="UTF-8"`;
  const hasOwn = options.users !== undefined || options.htpasswd !== undefined;
  if (hasOwn) return basicPlugin(await ownRealm(options, context), challenge, options.remember, context);
  return { ...basicPlugin(directoryRealm(context), challenge, options.remember, context), directory: true };
}

function basicPlugin<Entry extends object>(
  realm: Realm<Entry>,
  challenge: string,
  remember: number,
  context: BuiltInContext,
): AuthenticationPlugin {
  const remembered = createRemembered<{ readonly of: Entry | LoginLimited }>(
    context.clock,
    remember,
    context.rememberedCounts,
  );
  // A key of this process alone, of fixed length and in front: what is remembered can't be compared with anything outside.
  const key = randomBytes(32).toString('base64url');

  function verified(entry: Entry | LoginLimited | null): MaybePromise<AuthenticationResult> {
    if (entry === null) return CREDENTIALS_REJECTED;
    if (isLimited(entry)) return { ...CREDENTIALS_REJECTED, retryAfter: entry.retryAfter };
    return andThen(realm.current(entry), (identity) =>
      identity === null ? CREDENTIALS_REJECTED : { kind: 'authenticated', identity },
    );
  }

  return {
    challenge,
    authenticate(request) {
      const authorization = readAuthorization(request.headers.get('authorization'));
      if (authorization?.scheme !== 'basic') return NOT_RESPONSIBLE;
      const digest = hash('sha256', key + authorization.credentials, 'base64url');
      const begin = (): MaybePromise<AuthenticationResult> => {
        const credentials = basicCredentials(authorization);
        if (credentials === null) return CREDENTIALS_REJECTED;
        const { username, password } = credentials;
        const address = request.clientAddress();
        const check = async () => {
          const of = await realm.verify(username, password, address);
          return of === null ? null : { value: { of }, until: isLimited(of) ? null : Number.POSITIVE_INFINITY };
        };
        // Where its user may not come from, a right password is a wrong one, and elsewhere a limit is another's: nobody gets what
        // somebody from another place is told at the same time.
        return remembered.check(digest, check, address ?? '').then((checked) => verified(checked?.of ?? null));
      };
      const known = remembered.get(digest)?.of;
      if (known === undefined || isLimited(known)) return begin();
      return andThen(realm.current(known), (identity) =>
        // From where its user may not come, a right password is judged like a wrong one, and takes as long.
        identity === null || (identity.networks !== null && !mayComeFrom(identity.networks, request.clientAddress()))
          ? begin()
          : { kind: 'authenticated', identity },
      );
    },
    close: () => realm.close?.(),
  };
}

function isLimited(entry: object): entry is LoginLimited {
  return 'kind' in entry && entry.kind === 'limited';
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
      const result = await login(username, password, address);
      if (result.kind !== 'ok') return result.kind === 'limited' ? result : null;
      const { id: userId, passwordHash } = result.user;
      return { userId, passwordHash, user: null, identity: null };
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
  const { instance, beginLogin } = context;
  const users = await createOwnUsers(options, context);
  return {
    async verify(username, password, address) {
      const attempt = await beginLogin({ account: `${instance}:${username}`, address });
      if (attempt.kind === 'limited') return attempt;
      let passwordHash: string | null;
      try {
        passwordHash = await users.verify(username, password);
      } catch (error) {
        await attempt.abandoned();
        throw error;
      }
      if (passwordHash === null) {
        await attempt.failed();
        return null;
      }
      await attempt.succeeded();
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
