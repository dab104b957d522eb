import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { AuthenticationResult, PluginInstance } from '../../src/domain/authentication.ts';
import {
  type AuthenticationPlugin,
  CREDENTIALS_REJECTED,
  makeIdentity,
  NOT_RESPONSIBLE,
  SESSION_EXPIRED,
  USER_LOCKED,
} from '../../src/plugins/plugin-api.ts';
import { asked, gateOf } from './asking.ts';

const LIMITED = { ...CREDENTIALS_REJECTED, retryAfter: 30 };
const GOOD: AuthenticationResult = {
  kind: 'authenticated',
  identity: makeIdentity({ subject: 'x', username: 'alice', methods: ['x'] }),
};

function plugins(results: readonly AuthenticationResult[], late: boolean): PluginInstance[] {
  return results.map((result, index) => {
    const plugin: AuthenticationPlugin = { authenticate: () => (late ? Promise.resolve(result) : result) };
    return { name: `p${index}`, plugin };
  });
}

describe.each([false, true])('too many bad credentials, promised: %s', (late) => {
  const decision = (mode: 'any' | 'all', ...results: AuthenticationResult[]) =>
    decide(gateOf({ auth: { default_mode: mode }, plugins: plugins(results, late) }), asked('/'));
  const limited = { effect: 'limited', reason: 'rate-limited', rule: 0, retryAfter: 30, quota: null };

  it.each([
    [[LIMITED]],
    [[LIMITED, NOT_RESPONSIBLE]],
    [[SESSION_EXPIRED, LIMITED]],
    [[LIMITED, USER_LOCKED]],
    [[CREDENTIALS_REJECTED, { ...LIMITED, retryAfter: 5 }, LIMITED, CREDENTIALS_REJECTED]],
  ])('are told as such, with the longest wait %#', async (results) => {
    expect(await decision('any', ...results)).toEqual(limited);
    expect(await decision('all', ...results)).toEqual(limited);
  });

  it('hold up nobody who has a good one besides, unless all are wanted', async () => {
    expect(await decision('any', LIMITED, GOOD)).toMatchObject({ effect: 'allow' });
    expect(await decision('any', GOOD, LIMITED)).toMatchObject({ effect: 'allow' });
    expect(await decision('all', GOOD, LIMITED)).toEqual(limited);
  });

  it('are no anonymous visitor where credentials are optional', async () => {
    const gate = gateOf({ paths: [{ path: '/', authenticate: 'optional' }], plugins: plugins([LIMITED], late) });
    expect(await decide(gate, asked('/'))).toEqual({ ...limited, rule: 1 });
  });
});
