import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configurationSchema } from '../src/config/schema.ts';
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
