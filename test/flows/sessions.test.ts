import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashSecret, mintSecret } from '../../src/domain/secret.ts';
import { createSessions } from '../../src/flows/sessions.ts';
import { type PublicStand, publicStand } from '../http/public-stand.ts';

const HOUR = 3_600_000;
let stand: PublicStand;
beforeEach(async () => {
  stand = await publicStand({ configuration: { session: { idle: '1h', lifetime: '3h', remember: '30d' } } });
});
afterEach(() => stand.close());

it('stores the hash of the secret alone', async () => {
  const { cookieValue, session } = await stand.sessions.start(stand.alice, { remember: false });
  const [id, secret = ''] = cookieValue.split('.');
  const stored = await stand.store.sessions.findById(session.id);
  expect(stored).toMatchObject({ userId: 'usr_alice', expiresAt: session.expiresAt, lastSeenAt: stand.now() });
  expect(stored?.id).toBe(id);
  expect(Buffer.from(stored?.secretHash ?? []).equals(hashSecret(secret))).toBe(true);
});

it('ends by pause and at its absolute end', async () => {
  const { cookieValue, session } = await stand.sessions.start(stand.alice, { remember: false });
  expect(session).toMatchObject({ idle: HOUR, expiresAt: stand.now() + 3 * HOUR, authenticatedAt: stand.now() });
  stand.advance(HOUR - 1);
  expect(await stand.sessions.find([cookieValue])).toMatchObject({
    session: { id: session.id },
    user: { id: 'usr_alice' },
  });
  stand.advance(1);
  expect(await stand.sessions.find([cookieValue])).toBeNull();
  // Used in time, as the check notes in memory, it goes on, though not beyond its absolute end.
  const used = async () => stand.liveSessions.used((await stand.liveSessions.find(session.id))?.record ?? session);
  await used();
  expect(await stand.sessions.find([cookieValue])).not.toBeNull();
  stand.advance(2 * HOUR);
  await used();
  expect(await stand.sessions.find([cookieValue])).toBeNull();
});

it('lives where another process has seen it since', async () => {
  const { cookieValue, session } = await stand.sessions.start(stand.alice, { remember: false });
  stand.advance(HOUR - 1);
  await stand.store.sessions.touch(new Map([[session.id, stand.now()]]));
  stand.advance(HOUR - 1);
  expect(await stand.sessions.find([cookieValue])).toMatchObject({ session: { id: session.id } });
  expect(await stand.sessions.listSessions('usr_alice')).toMatchObject([{ id: session.id }]);
});

it('remembers without a longest pause', async () => {
  const { cookieValue } = await stand.sessions.start(stand.alice, { remember: true });
  stand.advance(720 * HOUR - 1);
  expect(await stand.sessions.find([cookieValue])).not.toBeNull();
  stand.advance(1);
  expect(await stand.sessions.find([cookieValue])).toBeNull();
});

it('asks for the secret, not the id', async () => {
  const { cookieValue } = await stand.sessions.start(stand.alice, { remember: false });
  const [id = '', secret = ''] = cookieValue.split('.');
  const forged = [`${id}.${'A'.repeat(43)}`, id, `${id}.`, `${id}.${secret}x`, `${id}.${secret.slice(1)}`, secret, ''];
  expect(await stand.sessions.find(forged)).toBeNull();
  expect(await stand.sessions.endPresented(forged)).toEqual([]);
  expect(await stand.sessions.find([cookieValue])).not.toBeNull();
});

it('looks up no more cookies than a browser sends, and still ends the real one among planted ones', async () => {
  const { cookieValue } = await stand.sessions.start(stand.alice, { remember: false });
  let lookups = 0;
  const sessions = createSessions({
    store: {
      ...stand.store.sessions,
      findById(id) {
        lookups += 1;
        return stand.store.sessions.findById(id);
      },
    },
    directory: stand.directory,
    configuration: stand.configuration.session,
    cache: new Map(),
    clock: stand.now,
  });
  const planted = (count: number) => Array.from({ length: count }, () => mintSecret().text);
  expect((await sessions.find([...planted(7), cookieValue]))?.user.id).toBe('usr_alice');
  lookups = 0;
  expect(await sessions.find([cookieValue, ...planted(8)])).toBeNull();
  expect(await sessions.find(planted(800))).toBeNull();
  expect(lookups).toBe(0);
  expect(await sessions.endPresented(planted(800))).toEqual([]);
  expect(lookups).toBe(200);
  expect(await sessions.endPresented([...planted(100), cookieValue])).toHaveLength(1);
});

it('is nobody’s where the user is locked or gone', async () => {
  const { cookieValue } = await stand.sessions.start(stand.alice, { remember: false });
  await stand.store.users.setLocked('usr_alice', true, stand.now());
  expect(await stand.sessions.find([cookieValue])).toBeNull();
  await stand.store.users.setLocked('usr_alice', false, stand.now());
  expect(await stand.sessions.find([cookieValue])).not.toBeNull();
  await stand.store.users.delete('usr_alice');
  expect(await stand.sessions.find([cookieValue])).toBeNull();
});

it('finds in the store what another process started, and forgets what was ended', async () => {
  const elsewhere = createSessions({
    store: stand.store.sessions,
    directory: stand.directory,
    configuration: stand.configuration.session,
    cache: new Map(),
    clock: stand.now,
  });
  const { cookieValue, session } = await elsewhere.start(stand.alice, { remember: false });
  expect((await stand.sessions.find([cookieValue]))?.session.id).toBe(session.id);
  expect(await stand.sessions.end(session.id)).toBe(true);
  expect(await stand.sessions.end(session.id)).toBe(false);
  expect(await stand.sessions.find([cookieValue])).toBeNull();
});

it('lists and revokes what lives', async () => {
  const first = await stand.sessions.start(stand.alice, { remember: false });
  stand.advance(2 * HOUR);
  const second = await stand.sessions.start(stand.alice, { remember: true });
  const ids = async (userId: string | null) => (await stand.sessions.listSessions(userId)).map((one) => one.id);
  expect(await ids('usr_alice')).toEqual([second.session.id]);
  expect(await ids(null)).toEqual([second.session.id]);
  expect(await ids('usr_bob')).toEqual([]);
  expect(await stand.sessions.revokeAll('usr_bob')).toBe(0);
  expect(await stand.sessions.revokeAll('usr_alice')).toBe(2);
  expect(await stand.sessions.find([first.cookieValue, second.cookieValue])).toBeNull();
});
