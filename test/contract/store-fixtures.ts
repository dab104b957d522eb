import type { ApiKey } from '../../src/domain/api-key.ts';
import type { RefreshToken } from '../../src/domain/refresh-token.ts';
import type { Session } from '../../src/domain/session.ts';
import type { SigningKey } from '../../src/domain/signing-key.ts';
import type { UserFields } from '../../src/domain/user.ts';

/** Records for the stores' tests; times are small so that they are easy to compare. */
export const alice: UserFields = {
  username: 'alice',
  name: 'Alice Ångström',
  email: 'alice@example.com',
  roles: ['admin', 'a "quoted", one'],
  groups: [],
  networks: ['10.0.0.0/8', '::1'],
  passwordHash: '$argon2id$1',
};

export function sessionOf(id: string, userId: string, fields: Partial<Session> = {}): Session {
  const times = { createdAt: 1_000, authenticatedAt: 1_001, expiresAt: 90_000, idle: null, lastSeenAt: 1_000 };
  return { id, secretHash: Uint8Array.of(0, 1, 2, 255), userId, ...times, ...fields };
}

export function keyOf(id: string, userId: string, fields: Partial<ApiKey> = {}): ApiKey {
  const times = { createdAt: 1_000, notBefore: null, expiresAt: null, rotatedAt: null, lastUsedAt: null };
  return {
    id,
    secretHash: Uint8Array.of(9, 8),
    userId,
    name: 'deploy',
    scopes: ['read', 'write:a,b'],
    ...{ previous: null, roles: null, networks: [], createdBy: null },
    ...times,
    ...fields,
  };
}

export function signingKeyOf(kid: string, fields: Partial<SigningKey> = {}): SigningKey {
  const publicJwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', key_ops: ['verify'] };
  return {
    kid,
    purpose: 'access-token',
    algorithm: 'ES256',
    publicJwk,
    sealedPrivateJwk: Uint8Array.of(1, 2, 3),
    createdAt: 1_000,
    retiredAt: null,
    verifiesUntil: null,
    ...fields,
  };
}

export function refreshTokenOf(id: string, fields: Partial<RefreshToken> = {}): RefreshToken {
  const times = { issuedAt: 1_000, authenticatedAt: 1_000, expiresAt: 90_000, accessExpiresAt: 9_000 };
  return {
    ...{ id, secretHash: Uint8Array.of(7, 7), familyId: 'family', userId: 'usr_1' },
    ...{ ...times, spentAt: null, successorId: null },
    ...fields,
  };
}
