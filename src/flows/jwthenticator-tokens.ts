import { randomUUID } from 'node:crypto';
import { publicDer, publicNumbers, type RsaKey, signRsaJwt, verifyRsaJwt } from '../adapters/rsa-jwt.ts';
import type { Clock } from '../domain/clock.ts';
import { parseUuid } from '../domain/uuid.ts';

export interface JwthenticatorTokens {
  /** @param identifier a canonical UUID */
  issue(identifier: string): Promise<string>;
  /** False for everything that is not a live JWT of this key and audience. */
  isGood(jwt: string): Promise<boolean>;
  /** The public key as JWThenticator publishes it: `x5c` holds the bare key, though RFC 7517 wants a certificate there. */
  jwks(): { readonly keys: readonly Readonly<Record<string, string | readonly string[]>>[] };
}

/**
 * JWTs with JWThenticator's claims. They are no access tokens: the key is another one, and so is the type.
 * @param options.lifetime in ms; tokens count in whole seconds
 * @param options.audience none where tokens have no `aud`
 */
export function createJwthenticatorTokens(options: {
  readonly key: RsaKey;
  readonly lifetime: number;
  readonly audience: readonly string[];
  readonly clock: Clock;
}): JwthenticatorTokens {
  const { key, audience, clock } = options;
  const lifetime = Math.max(1, Math.floor(options.lifetime / 1_000));
  const { n, e } = publicNumbers(key);
  const jwk = {
    ...{ x5c: [publicDer(key).toString('base64')], n, e },
    ...{ x5t: key.kid, kid: key.kid, alg: 'RS256', kty: 'RSA', use: 'sig' },
  };

  return {
    issue(identifier) {
      const iat = Math.floor(clock() / 1_000);
      const aud = audience.length === 0 ? {} : { aud: [...audience] };
      return signRsaJwt({ token_id: randomUUID(), identifier, iat, exp: iat + lifetime, ...aud }, key);
    },

    async isGood(jwt) {
      const now = clock();
      const claims = await verifyRsaJwt(jwt, key, now);
      if (claims === null) return false;
      const { token_id: tokenId, identifier, iat, exp } = claims;
      // The same key pair may sign other tokens elsewhere: what has not exactly these claims is one of those.
      if (parseUuid(tokenId) === null || parseUuid(identifier) === null) return false;
      if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp) || Number(iat) > Math.floor(now / 1_000))
        return false;
      const meant = [claims.aud ?? []].flat();
      return audience.length === 0 ? meant.length === 0 : audience.some((one) => meant.includes(one));
    },

    jwks: () => ({ keys: [jwk] }),
  };
}
