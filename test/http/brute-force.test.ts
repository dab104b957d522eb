import { afterEach, describe, expect, it } from 'vitest';
import { PASSWORD, type PublicStand, publicStand, type StandOptions } from './public-stand.ts';
import { visitor } from './visitor.ts';

let stand: PublicStand;
const open = async (options?: StandOptions) => {
  stand = await publicStand(options);
};
afterEach(() => stand.close());
const elsewhere = { clientAddress: '198.51.100.7' };

const attack = (username: string, password: string) =>
  stand.request(
    '/gate/auth',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    },
    elsewhere,
  );

describe('an account under attack', () => {
  it('is locked for the attacker, and open to its owner’s own browser', async () => {
    await open({ configuration: { login_limits: { account: { attempts: 4 } } } });
    const owner = visitor(stand);
    await owner.logIn();
    for (let i = 0; i < 4; i += 1) expect((await attack('alice', `guess ${i}`)).status).toBe(401);
    expect((await attack('alice', PASSWORD)).status).toBe(429);
    expect((await visitor(stand).logIn()).status).toBe(429);
    expect((await owner.logIn()).status).toBe(303);
    // Its allowance is its own, and small.
    for (let i = 0; i < 4; i += 1) expect((await owner.logIn({ password: `mistyped ${i}` })).status).toBe(401);
    expect((await owner.logIn()).status).toBe(429);
    expect(stand.events.filter(({ event }) => event === 'login.locked').map(({ detail }) => detail)).toEqual([
      { seconds: 600, device: false },
      { seconds: 600, device: true },
    ]);
  });

  it('does not lend its known device to another account', async () => {
    await open({ configuration: { login_limits: { account: { attempts: 1 } } } });
    const alice = visitor(stand);
    await alice.logIn();
    expect((await alice.logIn({ username: 'bob', password: 'x' })).status).toBe(401);
    expect((await alice.logIn({ username: 'bob', password: 'x' })).status).toBe(429);
  });

  it('makes an attacker wait longer each time, before anything is hashed', async () => {
    await open();
    const waited: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      const before = stand.now();
      await attack('alice', `guess ${i}`);
      waited.push(stand.now() - before);
    }
    expect(waited).toEqual([0, 0, 0, 250, 500, 1_000]);
  });
});

describe('answers', () => {
  it('are the same, to the last header, for a user that is there and for one that is not', async () => {
    await open({ configuration: { login_limits: { account: { attempts: 2 } } } });
    const told = async (username: string) => {
      const person = visitor(stand);
      const csrf = await person.csrf('/gate/login');
      const answers: unknown[] = [];
      for (let i = 0; i < 3; i += 1) {
        const page = await person.post('/gate/login', { csrf, username, password: `guess ${i}` });
        const call = await attack(`${username}2`, `guess ${i}`);
        for (const response of [page, call]) {
          const body = (await response.text()).replaceAll(csrf, '…').replaceAll(username, '…');
          answers.push([response.status, [...response.headers], body]);
        }
      }
      return answers;
    };
    for (const username of ['bobby', 'bobby2'])
      await stand.store.users.insert(
        `usr_${username}`,
        { username, name: '', email: '', roles: [], groups: [], networks: [], passwordHash: stand.alice.passwordHash },
        stand.now(),
      );
    expect(await told('bobby')).toEqual(await told('nobdy'));
  });
});

describe('an address', () => {
  it('is refused whichever way it comes, and a known device is not', async () => {
    await open({ configuration: { login_limits: { address: { attempts: 3 } } } });
    const owner = visitor(stand);
    await owner.logIn();
    for (const name of ['a', 'b', 'c']) expect((await visitor(stand).logIn({ username: name })).status).toBe(401);
    expect((await visitor(stand).logIn()).status).toBe(429);
    expect((await attack('alice', PASSWORD)).status).toBe(200);
    expect((await owner.logIn()).status).toBe(303);
    expect(stand.events).toContainEqual({ event: 'login.address-limited', address: '192.0.2.1' });
  });
});
