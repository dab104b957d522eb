import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configurationSchema } from '../src/config/schema.ts';
import { createFollowers } from '../src/followers.ts';
import { type AuthenticationPlugin, definePlugin, NOT_RESPONSIBLE } from '../src/plugins/plugin-api.ts';
import { openRuntime } from '../src/runtime.ts';
import { type TempDir, tempDir } from './support/temp-dir.ts';

let home: TempDir;
beforeEach(async () => {
  home = await tempDir();
});
afterEach(() => home.remove());

let closed: string[];

/** Opens a configuration whose plugins are made so. */
async function open(plugins: Readonly<Record<string, () => Partial<AuthenticationPlugin>>>) {
  closed = [];
  const instances = Object.entries(plugins).map(([instance, make]) => ({
    instance,
    type: 'door',
    options: {},
    definition: definePlugin({
      type: 'door',
      description: '',
      options: { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: {} }) } },
      create: () => ({ authenticate: () => NOT_RESPONSIBLE, close: () => void closed.push(instance), ...make() }),
    }),
  }));
  const configuration = configurationSchema.parse({ data_dir: home.path, auth_plugins: {}, log: { level: 'silent' } });
  const file = join(home.path, 'gatelodge.yaml');
  const runtime = await openRuntime({ file, configuration, plugins: instances }, new URL('https://auth.example.com'));
  await runtime.close();
}

const paths = [{ path: '/door', methods: ['GET'], description: '', handle: () => new Response('') }];

it('closes every plugin at its end', async () => {
  await open({ one: () => ({}), two: () => ({}) });
  expect(closed).toEqual(['one', 'two']);
});

it.each<[string, Parameters<typeof open>[0]]>([
  [
    'of which another cannot be made',
    {
      one: () => ({}),
      two() {
        throw new Error('no');
      },
    },
  ],
  ['that want the same path', { one: () => ({ paths }), two: () => ({ paths }) }],
])(
  'leaves no plugin open, with its timers and connections, where it cannot be opened: plugins %s',
  async (_what, plugins) => {
    await expect(open(plugins)).rejects.toThrow();
    expect(closed[0]).toBe('one');
  },
);

it('what one configuration revokes, the one that takes its place refuses at once, and what was revoked before too', async () => {
  const configuration = configurationSchema.parse({
    ...{ data_dir: home.path, auth_plugins: {}, log: { level: 'silent' } },
    users: [{ username: 'alice' }],
  });
  const sound = { file: join(home.path, 'gatelodge.yaml'), configuration, plugins: [] };
  const followers = createFollowers();
  const openOne = () =>
    openRuntime(sound, new URL('https://auth.example.com'), { followers, spread: followers.catchUp });
  const old = await openOne();
  try {
    await old.core.store.revocations.insert('before', Date.now() + 60_000);
    const next = await openOne();
    try {
      const isRevoked = (tokenId: string) => next.core.revocations.isRevoked({ tokenId, familyId: '' });
      expect([isRevoked('before'), isRevoked('later')]).toEqual([true, false]);
      await old.core.store.revocations.insert('later', Date.now() + 60_000);
      expect(isRevoked('later')).toBe(true);
      const user = await next.core.directory.byUsername('alice');
      await old.core.store.users.setLocked(user?.id ?? '', true, Date.now());
      expect(await next.core.directory.byUsername('alice')).toMatchObject({ locked: true });
    } finally {
      await next.close();
    }
    // One that is gone is waited for no longer.
    await old.core.store.revocations.insert('at last', Date.now() + 60_000);
  } finally {
    await old.close();
  }
});
