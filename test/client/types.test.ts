import { expectTypeOf, test } from 'vitest';
import {
  type ClientErrorCode,
  type ClientOptions,
  createClient,
  type GatelodgeClientError,
  type Tokens,
} from '../../src/client/client.ts';
import { KEY, LOGIN } from './lodge.ts';

const url = 'https://auth.example.com';

test('one kind of credential is wanted, with a refresh token or without', () => {
  expectTypeOf({ url, key: KEY }).toExtend<ClientOptions>();
  expectTypeOf({ url: new URL(url), ...LOGIN }).toExtend<ClientOptions>();
  expectTypeOf({ url, refreshToken: 'r' }).toExtend<ClientOptions>();
  // As a store gives it, which may have none.
  expectTypeOf<{ url: string; key: string; refreshToken: string | null | undefined }>().toExtend<ClientOptions>();

  expectTypeOf({ url }).not.toExtend<ClientOptions>();
  expectTypeOf({ key: KEY }).not.toExtend<ClientOptions>();
  expectTypeOf({ url, username: 'alice' }).not.toExtend<ClientOptions>();
  expectTypeOf({ url, key: KEY, ...LOGIN }).not.toExtend<ClientOptions>();
  expectTypeOf<{ url: string; refreshToken: string | null }>().not.toExtend<ClientOptions>();
  expectTypeOf({ url, key: KEY, timeout: '5s' }).not.toExtend<ClientOptions>();
});

test('fetch stands in for the platform’s', () => {
  const client = createClient({ url, key: KEY });
  expectTypeOf(client.fetch).toExtend<typeof fetch>();
  expectTypeOf<typeof fetch>().toExtend<NonNullable<ClientOptions['fetch']>>();
  expectTypeOf(client.logout).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf(client.revoke).parameter(0).toBeString();
  expectTypeOf<NonNullable<ClientOptions['onTokens']>>().parameter(0).toEqualTypeOf<Tokens>();
});

test('errors tell their code', () => {
  expectTypeOf<GatelodgeClientError>().toExtend<Error>();
  expectTypeOf<GatelodgeClientError['code']>().toEqualTypeOf<ClientErrorCode>();
  expectTypeOf<GatelodgeClientError['retryAfter']>().toEqualTypeOf<number | undefined>();
});
