import { expect, it } from 'vitest';
import { place, run } from './run-command.ts';

const MODULE = `
const options = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
export default { type: 'badge', description: 'Badges.', options, optionDescriptions: { secret: 'Shared with the badge office.' }, create() {} };`;

it('lists built-in types with options that come from the schema', async () => {
  const { code, out } = await run(['plugins', '-c', 'test/fixtures/python-auth-proxy.yaml', '--json']);
  expect(code).toBe(0);
  const { types, instances } = JSON.parse(out);
  expect(types.map(({ type }: { type: string }) => type)).toEqual([
    'session',
    'basic',
    'token',
    'apikey',
    'jwt',
    'oidc',
  ]);
  const option = (type: string, name: string) =>
    types.find((one: { type: string }) => one.type === type).options.find((one: { name: string }) => one.name === name);
  expect(option('basic', 'realm')).toMatchObject({ type: 'string', required: false, default: 'Restricted' });
  expect(option('jwt', 'algorithms').type).toMatch(/^list of HS256 \| /);
  expect(option('jwt', 'audience').type).toBe('string or list of string');
  expect(option('oidc', 'issuer')).toMatchObject({ required: true, description: 'The identity provider.' });
  expect(instances).toEqual([
    { instance: 'oidc', type: 'oidc', default: true },
    { instance: 'user-basic', type: 'basic', default: false },
    { instance: 'admin-basic', type: 'basic', default: false },
    { instance: 'web-jwt', type: 'jwt', default: false },
    { instance: 'mobile-jwt', type: 'jwt', default: false },
  ]);
  expect(out).not.toContain('super-secret');
});

it('lists somebody else’s plugin with its module and options', async () => {
  const at = place(
    'auth_plugins:\n  gate: {type: badge, module: ./badge.mjs, secret: hunter2hunter2}\n  session: {}\n',
    {
      'badge.mjs': MODULE,
    },
  );
  const { types, instances } = JSON.parse((await at.run(['plugins', '--json'])).out);
  expect(types.at(-1)).toEqual({
    ...{ type: 'badge', built_in: false, module: './badge.mjs', description: 'Badges.' },
    options: [{ name: 'secret', type: 'any', required: false, description: 'Shared with the badge office.' }],
  });
  expect(instances.map(({ instance }: { instance: string }) => instance)).toEqual(['gate', 'session']);
  const { out } = await at.run(['plugins']);
  expect(out).toContain('  badge (from ./badge.mjs): Badges.\n    secret (any): Shared with the badge office.\n');
  expect(out).toMatch(/\n {2}INSTANCE +TYPE +BY DEFAULT\n {2}gate +badge +yes\n {2}session +session +yes\n$/);
  expect(out).not.toContain('hunter2');
});

it('needs no configuration to tell the types', async () => {
  const { code, out } = await run(['plugins']);
  expect(code).toBe(0);
  expect(out).toContain('    realm (string, default "Restricted"): ');
  expect(out).toMatch(/\n {2}session +session +yes\n/);
});
