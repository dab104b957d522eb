import { randomBytes } from 'node:crypto';
import { signJwt } from '../adapters/jose.ts';
import type { Configuration } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { Identity } from '../domain/identity.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';
import type { SigningKeys } from './signing-keys.ts';

/** A signed statement for one audience about whose request it is. */
export interface IdentityToken {
  /** A JWS in compact form (RFC 7515). */
  readonly text: string;
  /** The same as a credential (RFC 6750 section 2.1). */
  readonly bearer: string;
  /** From when to when it is handed on, in ms since the epoch; it is good for a while longer. */
  readonly signedAt: number;
  readonly renewAt: number;
}

export interface IdentityTokens {
  /**
   * The token that says whose an allowed request is. At once, without a promise, where the same was asked for lately; null
   * where there is nobody to name.
   * @param identity null for a request that is nobody's
   * @param host the request's, lower case and without port; empty where it is not known
   * @throws GatelodgeError `overloaded`, `internal-error`; or the promise rejects with it
   */
  tokenFor(identity: Identity | null, host: string): MaybePromise<IdentityToken | null>;
}

/** Not `at+jwt`: never taken for an access token (RFC 8725 section 3.11). */
const TYPE = 'JWT';
/** How long before its end a token is replaced, in ms: what the application does with it meanwhile is to succeed. */
const RENEW_AHEAD = 60_000;
/** Bytes of what is said about somebody. In two header fields, beside the list of roles, it must fit into front servers' buffers. */
const MOST_SAID = 6_144;
/** Characters from which on applications with default limits may refuse a request. */
const LARGE = 3_000;
/** Characters remembered in each of two generations. */
const MOST_REMEMBERED = 16 * 1024 * 1024;
/** Signatures at once; threads of the pool make them, four at a time. */
const MOST_PENDING = 1_000;

/** Identity JWTs: signed once for an identity and audience, and handed on until a minute before they expire. */
export function createIdentityTokens(options: {
  readonly configuration: Configuration['identity_jwt'];
  readonly keys: Pick<SigningKeys, 'current'>;
  readonly issuer: string;
  /** Whom an allowed request is, that is nobody's; null: such a request gets no token. */
  readonly anonymous: Identity | null;
  readonly clock: Clock;
  /** Told of each token that is long enough to be in an application's way. */
  readonly onLarge?: (length: number) => void;
}): IdentityTokens {
  const { configuration, keys, issuer, anonymous, clock, onLarge } = options;
  const { audience, lifetime } = configuration;
  const expiresIn = Math.max(1, Math.floor(lifetime / 1_000));
  const usedFor = expiresIn * 1_000 - Math.min(RENEW_AHEAD, (expiresIn * 1_000) / 2);
  const fixed = audience === 'host' || audience === 'none' ? null : audience;
  const recent = createRecentTokens(expiresIn * 1_000);
  const pending = new Map<string, Promise<IdentityToken>>();

  function tokenFor(identity: Identity | null, host: string): MaybePromise<IdentityToken | null> {
    const who = identity ?? anonymous;
    if (who === null) return null;
    const to = audience === 'host' ? host : fixed;
    // A token that may be used anywhere is never given because the front server did not say where.
    if (to === '') return null;
    const now = clock();
    const last = recent.lastOf(who);
    if (last !== undefined && last.to === to && isFresh(last.token, now)) return last.token;
    return find(who, to, now);
  }

  /** Many objects are one and the same person: of several sessions and keys, or of a plugin that makes a new one each time. */
  function find(who: Identity, to: string | null, now: number): MaybePromise<IdentityToken> {
    const said = claimsAbout(who, configuration);
    const about = JSON.stringify([to, said]);
    const known = recent.get(about);
    if (known !== undefined && isFresh(known, now)) {
      recent.noteLast(who, to, known);
      return known;
    }
    const note = (token: IdentityToken): IdentityToken => {
      recent.noteLast(who, to, token);
      return token;
    };
    const asked = pending.get(about);
    if (asked !== undefined) return asked.then(note);
    if (Buffer.byteLength(about) > MOST_SAID)
      throw new GatelodgeError('internal-error', 'somebody has more roles than an identity JWT can carry');
    if (pending.size >= MOST_PENDING) throw new GatelodgeError('overloaded', 'too many identity JWTs at once');
    const signing = sign(said, to)
      .then((token) => {
        recent.set(about, token, clock());
        return token;
      })
      .finally(() => pending.delete(about));
    pending.set(about, signing);
    return signing.then(note);
  }

  async function sign(said: Readonly<Record<string, unknown>>, to: string | null): Promise<IdentityToken> {
    const { kid, algorithm, privateKey } = keys.current();
    const signedAt = clock();
    const iat = Math.floor(signedAt / 1_000);
    const claims = {
      ...said,
      iss: issuer,
      ...(to === null ? {} : { aud: to }),
      iat,
      exp: iat + expiresIn,
      jti: randomBytes(16).toString('base64url'),
    };
    const text = await signJwt(claims, { algorithm, typ: TYPE, kid }, privateKey);
    if (text.length > LARGE) onLarge?.(text.length);
    return { text, bearer: `Bearer ${text}`, signedAt, renewAt: iat * 1_000 + usedFor };
  }

  return { tokenFor };
}

/** A clock that was set back makes tokens of the future, which applications refuse. */
function isFresh(token: IdentityToken, now: number): boolean {
  return now < token.renewAt && now >= token.signedAt;
}

/** What is not known is left out, as in OpenID Connect; the list of roles is always there. */
function claimsAbout(who: Identity, configuration: Configuration['identity_jwt']): Readonly<Record<string, unknown>> {
  // Another issuer's or an instance's own user may have a directory user's name and is somebody else.
  const named = configuration.subject === 'user' && who.userId !== null;
  return {
    sub: named || who.subject === '' ? who.username : who.subject,
    ...(who.username === '' ? {} : { preferred_username: who.username }),
    ...(who.email === '' ? {} : { email: who.email }),
    ...(who.name === '' ? {} : { name: who.name }),
    [configuration.roles_claim]: who.roles,
  };
}

/**
 * Tokens by what they say, and by the identity they were asked for last. In two generations: what is asked for moves to the
 * younger one, and when that is full or old the older one goes, with everything that has expired.
 * @param lifetime in ms
 */
function createRecentTokens(lifetime: number) {
  let young = new Map<string, IdentityToken>();
  let old = new Map<string, IdentityToken>();
  let last = new WeakMap<Identity, { readonly to: string | null; readonly token: IdentityToken }>();
  let size = 0;
  let bornAt = 0;
  function set(about: string, token: IdentityToken, now: number): void {
    if (size >= MOST_REMEMBERED || now - bornAt >= lifetime) {
      old = young;
      young = new Map();
      last = new WeakMap();
      size = 0;
      bornAt = now;
    }
    size += about.length + token.text.length + token.bearer.length;
    young.set(about, token);
  }
  return {
    set,
    get(about: string): IdentityToken | undefined {
      const token = young.get(about);
      if (token !== undefined) return token;
      const before = old.get(about);
      if (before !== undefined) {
        old.delete(about);
        set(about, before, bornAt);
      }
      return before;
    },
    lastOf: (who: Identity) => last.get(who),
    noteLast(who: Identity, to: string | null, token: IdentityToken): void {
      last.set(who, { to, token });
    },
  };
}
