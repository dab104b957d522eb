import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basicOptions } from '../../src/config/plugin-options.ts';
import type { AuthenticationPlugin } from '../../src/domain/authentication.ts';
import { createBasicPlugin } from '../../src/plugins/basic.ts';
import { asked } from '../decision/asking.ts';
import { basic, PASSWORD, type PluginStand, pluginStand, says } from './plugin-stand.ts';

let stand: PluginStand;
let plugin: AuthenticationPlugin;
beforeAll(async () => {
  stand = await pluginStand();
  plugin = await createBasicPlugin(basicOptions.parse({}), stand.context('basic'));
  await stand.addUser('alice', { roles: ['r'] });
});
afterAll(() => stand.close());

/** How many passwords were compared meanwhile. */
async function costs(task: () => Promise<unknown>): Promise<number> {
  const before = stand.verifications();
  await task();
  return stand.verifications() - before;
}

it('says who it is, freshly proven', async () => {
  expect(await plugin.authenticate(asked('/', { headers: basic('alice', PASSWORD) }))).toMatchObject({
    identity: {
      username: 'alice',
      roles: ['r'],
      scopes: null,
      methods: ['basic'],
      authenticatedAt: Number.POSITIVE_INFINITY,
    },
  });
  expect(plugin.challenge).toBe('Basic realm="Restricted", charset="UTF-8"');
});

it('leaves every other scheme to others', async () => {
  const text = basic('alice', PASSWORD)[1]?.slice(6) ?? '';
  for (const value of [
    `Bearer ${text}`,
    `Basic\t${text}`,
    `Basically ${text}`,
    text,
    `X Basic ${text}`,
    `,Basic ${text}`,
  ]) {
    expect(await says(plugin, ['authorization', value]), value).toBe('not-responsible');
  }
  for (const headers of [[], ['proxy-authorization', `Basic ${text}`], ['x-authorization', `Basic ${text}`]]) {
    expect(await says(plugin, headers)).toBe('not-responsible');
  }
  expect(await says(plugin, ['authorization', `bAsIc ${text}`])).toBe('alice');
});

it('rejects what is no Basic credential without comparing anything', async () => {
  const joined = `${basic('alice', PASSWORD)[1]}, ${basic('alice', PASSWORD)[1]}`;
  const bad = [
    'Basic',
    'Basic ',
    'Basic !',
    'Basic YWxpY2U=',
    'Basic YWxpY2U',
    'Basic =',
    joined,
    `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`,
    `Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64').replace('=', '%3D')} x`,
  ];
  const cost = await costs(async () => {
    for (const value of bad) expect(await says(plugin, ['authorization', value]), value).toBe('credentials-rejected');
  });
  expect(cost).toBe(0);
});

it('knows UTF-8 names and passwords with colons', async () => {
  const hash = (await stand.store.users.findByUsername('alice'))?.passwordHash ?? null;
  await stand.addUser('zoë', { passwordHash: hash });
  expect(await says(plugin, basic('zoë', PASSWORD))).toBe('zoë');
  expect(await says(plugin, basic('alice', `:${PASSWORD}`))).toBe('credentials-rejected');
  expect(
    await says(plugin, ['authorization', `Basic ${Buffer.from(`zo\xeb:${PASSWORD}`, 'latin1').toString('base64')}`]),
  ).toBe('credentials-rejected');
});

describe('what is remembered', () => {
  it('is compared once for fifty requests at the same time, and not again for 60 s', async () => {
    const carol = await stand.addUser('carol');
    const headers = basic('carol', PASSWORD);
    expect(
      await costs(() =>
        Promise.all(Array.from({ length: 50 }, async () => expect(await says(plugin, headers)).toBe('carol'))),
      ),
    ).toBe(1);
    stand.advance(59_999);
    expect(await costs(async () => expect(await says(plugin, headers)).toBe('carol'))).toBe(0);
    stand.advance(1);
    expect(await costs(async () => expect(await says(plugin, headers)).toBe('carol'))).toBe(1);
    await stand.store.users.delete(carol.id);
    expect(await says(plugin, headers)).toBe('credentials-rejected');
  });

  it('is not prolonged by a clock that is set back', async () => {
    await stand.addUser('dina');
    const headers = basic('dina', PASSWORD);
    expect(await says(plugin, headers)).toBe('dina');
    stand.advance(-3_600_000);
    expect(await costs(async () => expect(await says(plugin, headers)).toBe('dina'))).toBe(1);
    stand.advance(60_000);
    expect(await costs(async () => expect(await says(plugin, headers)).toBe('dina'))).toBe(1);
    stand.advance(3_600_000);
  });

  it('is not prolonged by its use', async () => {
    await stand.addUser('dora');
    const headers = basic('dora', PASSWORD);
    const cost = await costs(async () => {
      for (let index = 0; index < 13; index += 1) {
        expect(await says(plugin, headers)).toBe('dora');
        stand.advance(10_000);
      }
    });
    expect(cost).toBe(3);
  });

  it('is forgotten when the password changes', async () => {
    const erin = await stand.addUser('erin');
    const headers = basic('erin', PASSWORD);
    expect(await says(plugin, headers)).toBe('erin');
    const other = await stand.context('x').passwords.hash('another');
    await stand.store.users.update(erin.id, { passwordHash: other }, stand.now());
    expect(await says(plugin, headers)).toBe('credentials-rejected');
    expect(await says(plugin, basic('erin', 'another'))).toBe('erin');
  });

  it('does not outlive a lock, and comes back with the user', async () => {
    const frank = await stand.addUser('frank');
    const headers = basic('frank', PASSWORD);
    expect(await says(plugin, headers)).toBe('frank');
    await stand.store.users.setLocked(frank.id, true, stand.now());
    expect(await says(plugin, headers)).toBe('credentials-rejected');
    await stand.store.users.setLocked(frank.id, false, stand.now());
    expect(await says(plugin, headers)).toBe('frank');
  });

  it('is never a failure: a password that becomes right is right at once', async () => {
    const grace = await stand.addUser('grace', { passwordHash: null });
    const headers = basic('grace', PASSWORD);
    expect(await says(plugin, headers)).toBe('credentials-rejected');
    const hash = (await stand.store.users.findByUsername('alice'))?.passwordHash ?? null;
    await stand.store.users.update(grace.id, { passwordHash: hash }, stand.now());
    expect(await says(plugin, headers)).toBe('grace');
  });
});

it('answers an unknown, a wrong and a locked user alike, at the cost of one comparison', async () => {
  const heidi = await stand.addUser('heidi');
  await stand.store.users.setLocked(heidi.id, true, stand.now());
  await stand.addUser('ivan', { passwordHash: null });
  for (const headers of [
    basic('nobody', PASSWORD),
    basic('alice', 'wrong'),
    basic('heidi', PASSWORD),
    basic('heidi', 'wrong'),
    basic('ivan', PASSWORD),
    basic('', ''),
    basic('__proto__', 'x'),
  ]) {
    expect(
      await costs(async () =>
        expect(await plugin.authenticate(asked('/', { headers }))).toEqual({
          kind: 'rejected',
          reason: 'credentials-rejected',
        }),
      ),
    ).toBe(1);
  }
});

it('is overloaded where too many wait, and not a moment longer', async () => {
  const small = await pluginStand({ hashing: { concurrency: 1, queue: 2 } });
  try {
    const busy = await createBasicPlugin(basicOptions.parse({}), small.context('basic'));
    const tries = Array.from({ length: 6 }, (_, index) =>
      says(busy, basic('nobody', `p${index}`)).catch((error: { code: string }) => error.code),
    );
    expect((await Promise.all(tries)).sort()).toEqual([
      ...Array(3).fill('credentials-rejected'),
      ...Array(3).fill('overloaded'),
    ]);
    expect(await says(busy, basic('nobody', 'p9'))).toBe('credentials-rejected');
  } finally {
    await small.close();
  }
});

it('tells nobody elsewhere what somebody in the right place is told at the same time', async () => {
  await stand.addUser('inside', { networks: ['10.0.0.0/8'] });
  const ask = async (address: string) => {
    const result = await plugin.authenticate(asked('/', { headers: basic('inside', PASSWORD), address }));
    return result.kind === 'authenticated' ? result.identity.username : result.kind;
  };
  const [inside, outside] = ['10.1.2.3', '198.51.100.7'];
  expect(await Promise.all([inside, outside, inside, outside].map(ask))).toEqual([
    'inside',
    'rejected',
    'inside',
    'rejected',
  ]);
  const other = await createBasicPlugin(basicOptions.parse({}), stand.context('basic'));
  const first = other.authenticate(asked('/', { headers: basic('inside', PASSWORD), address: outside }));
  const second = other.authenticate(asked('/', { headers: basic('inside', PASSWORD), address: inside }));
  expect([(await first).kind, (await second).kind]).toEqual(['rejected', 'authenticated']);
});
