import { expect, it } from 'vitest';
import { mintSecret, secretMatches } from '../../src/domain/secret.ts';
import type { Session } from '../../src/domain/session.ts';
import { compactSession } from '../../src/flows/compact-session.ts';

const { id, secretHash, text } = mintSecret();
const session: Session = {
  ...{ id, secretHash, userId: 'usr_1', createdAt: 1_700_000_000_001, authenticatedAt: 1_700_000_000_777 },
  ...{ expiresAt: 1_702_592_000_123, idle: 3_600_000, lastSeenAt: 1_700_000_009_999 },
};

it.each([session.idle, null])('says what the session says, with an idle time of %s', (idle) => {
  const compact = compactSession({ ...session, idle });
  const { userId, createdAt, authenticatedAt, expiresAt, lastSeenAt } = compact;
  expect({ id: compact.id, userId, createdAt, authenticatedAt, expiresAt, idle: compact.idle, lastSeenAt }).toEqual({
    ...{ id, userId: 'usr_1', createdAt: session.createdAt, authenticatedAt: session.authenticatedAt },
    ...{ expiresAt: session.expiresAt, idle, lastSeenAt: session.lastSeenAt },
  });
  expect(secretMatches(text.slice(17), compact.secretHash)).toBe(true);
  expect(secretMatches(mintSecret().text.slice(17), compact.secretHash)).toBe(false);
});

it('takes a newer time of use', () => {
  const compact = compactSession(session);
  compact.lastSeenAt = session.lastSeenAt + 5;
  expect([compact.lastSeenAt, session.lastSeenAt]).toEqual([session.lastSeenAt + 5, 1_700_000_009_999]);
});

it('is the session where it is made of a compact one', () => {
  expect(compactSession(compactSession(session)).expiresAt).toBe(session.expiresAt);
  expect(Buffer.from(compactSession(compactSession(session)).secretHash)).toEqual(Buffer.from(secretHash));
});
