import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiKey, isInForce, rolesOfKey } from '../../src/domain/api-key.ts';
import { beyondReach, COMMAND, type KeyManager, managesKeysOf } from '../../src/domain/key-reach.ts';
import { networkSet } from '../../src/domain/network.ts';
import { keyOf } from '../contract/store-fixtures.ts';

const ROLES = ['admin', 'ops', 'dev'];
const SCOPES = ['keys', 'read', 'write'];
const NETWORKS = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '192.0.2.0/24', '::/0', '2001:db8::/32', '::1'];
const ADDRESSES = [
  '10.0.0.1',
  '10.1.0.1',
  '10.1.2.3',
  '192.0.2.1',
  '198.51.100.1',
  '::1',
  '2001:db8::1',
  '2001:db9::1',
];
const TIMES = [1, 2, 3, 4, 5];

const some = (names: readonly string[]) => fc.subarray([...names]);
const power = fc.record({
  userId: fc.constantFrom('alice', 'bob'),
  scopes: some(SCOPES),
  roles: fc.option(some(ROLES)),
  networks: some(NETWORKS),
  expiresAt: fc.option(fc.constantFrom(...TIMES)),
});
/** What somebody who has the key can do, found out by trying. */
function abilities(key: ApiKey, ownersRoles: readonly string[]): string[] {
  const open = key.networks.length === 0;
  return [
    ...key.scopes.map((scope) => `scope ${scope}`),
    ...rolesOfKey(key, ownersRoles).map((role) => `role ${role}`),
    ...ADDRESSES.filter((address) => open || networkSet(key.networks).contains(address)).map((from) => `from ${from}`),
    ...TIMES.filter((time) => isInForce(key, time)).map((time) => `at ${time}`),
  ];
}

describe('whoever holds a key', () => {
  it('never gets one with which more can be done, whatever roles its owner gets later', () => {
    fc.assert(
      fc.property(power, power, some(ROLES), some(ROLES), (mine, wanted, roles, later) => {
        const [own, made] = [keyOf('k1', mine.userId, mine), keyOf('k2', wanted.userId, wanted)];
        const owners = (who: string, present: readonly string[]) => (who === mine.userId ? present : ROLES);
        const manager: KeyManager = { kind: 'key', key: own, roles: rolesOfKey(own, roles) };
        if (!managesKeysOf(manager, made.userId) || beyondReach(manager, made) !== null) return;
        // Of its own user's keys, also after the user was given other roles; of anybody's, as things stand.
        for (const present of made.userId === own.userId ? [roles, later] : [roles]) {
          const mineNow = new Set(abilities(own, present));
          const beyond = abilities(made, owners(made.userId, present)).filter((one) => !mineNow.has(one));
          expect(beyond).toEqual([]);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('may have another one just like it, and a smaller one', () => {
    fc.assert(
      fc.property(power, some(ROLES), (mine, roles) => {
        const key = keyOf('k1', mine.userId, mine);
        const manager: KeyManager = { kind: 'key', key, roles: rolesOfKey(key, roles) };
        expect(managesKeysOf(manager, key.userId)).toBe(true);
        expect(beyondReach(manager, key)).toBeNull();
        expect(beyondReach(manager, { ...key, scopes: [], roles: [] })).toBeNull();
      }),
    );
  });
});

describe('what is more', () => {
  const key = keyOf('k1', 'alice', { scopes: ['keys'], roles: ['dev'], networks: ['10.0.0.0/8'], expiresAt: 9_000 });
  const manager: KeyManager = { kind: 'key', key, roles: ['dev'] };
  it.each([
    [{ scopes: ['keys', 'read'] }, 'scopes'],
    [{ scopes: ['Keys'] }, 'scopes'],
    [{ roles: null }, 'roles'],
    [{ roles: ['dev', 'ops'] }, 'roles'],
    [{ networks: [] }, 'networks'],
    [{ networks: ['10.0.0.0/7'] }, 'networks'],
    [{ networks: ['10.0.0.0/8', '::1'] }, 'networks'],
    [{ networks: ['::ffff:10.0.0.0/104'] }, 'networks'],
    [{ expiresAt: null }, 'expiresAt'],
    [{ expiresAt: 9_001 }, 'expiresAt'],
  ] as const)('%j is told', (more, what) => {
    expect(beyondReach(manager, { ...key, ...more })).toBe(what);
    expect(beyondReach(COMMAND, { ...key, ...more })).toBeNull();
  });
});

describe('keys of another user', () => {
  it('are an administrator’s to manage alone', () => {
    const key = keyOf('k1', 'alice', { scopes: ['keys'] });
    const withRoles = (...roles: string[]): KeyManager => ({ kind: 'key', key, roles });
    expect(managesKeysOf(COMMAND, 'bob')).toBe(true);
    expect(managesKeysOf(withRoles('ops', 'Admin'), 'bob')).toBe(false);
    expect(managesKeysOf(withRoles('ops'), 'alice')).toBe(true);
    expect(managesKeysOf(withRoles('admin'), 'bob')).toBe(true);
  });

  it('have the manager’s roles at most, by name', () => {
    const key = keyOf('k1', 'alice', { scopes: ['keys'] });
    const manager: KeyManager = { kind: 'key', key, roles: ['admin', 'dev'] };
    const his = keyOf('k2', 'bob', { scopes: [] });
    expect(beyondReach(manager, { ...his, roles: null })).toBe('roles');
    expect(beyondReach(manager, { ...his, roles: ['ops'] })).toBe('roles');
    expect(beyondReach(manager, { ...his, roles: ['dev'] })).toBeNull();
  });
});
