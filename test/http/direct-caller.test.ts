import { expect, it } from 'vitest';
import { isDirectCall } from '../../src/http/direct-caller.ts';
import { WireHeaderFields } from '../../src/http/header-fields.ts';

const TRUSTED = { trusted: true, address: '127.0.0.1' };
const PROGRAM = [
  'Host',
  '127.0.0.1:9190',
  'Content-Type',
  'application/json',
  'User-Agent',
  'Python/3.11 aiohttp/3.14',
];
const call = (more: readonly string[], peer = TRUSTED, httpVersion = '1.1') => {
  const rawHeaders = [...PROGRAM, ...more];
  return isDirectCall({ peer, rawHeaders, httpVersion, headers: new WireHeaderFields(rawHeaders) });
};

it('is what a program on a trusted machine makes', () => {
  expect(call([])).toBe(true);
  expect(call(['X-Request-Id', 'a', 'Accept', '*/*', 'Authorization', 'Bearer x'])).toBe(true);
});

it('comes from a trusted peer', () => {
  expect(call([], { trusted: false, address: '192.0.2.1' })).toBe(false);
});

it.each([
  'X-Forwarded-For',
  'x-forwarded-for',
  'X-FORWARDED-PROTO',
  'X-Forwarded-Host',
  'X-Forwarded-Anything',
  'X-Original-URL',
  'X-Original-Method',
  'X-Real-IP',
  'Forwarded',
  'Via',
  'True-Client-IP',
  'CF-Connecting-IP',
  'X-Client-IP',
  'X-Envoy-External-Address',
])('is not what a proxy hands on: %s', (name) => {
  expect(call([name, '127.0.0.1'])).toBe(false);
  // An empty value is one too.
  expect(call([name, ''])).toBe(false);
});

it('is not HTTP/1.0, which nginx speaks where it is told nothing', () => {
  expect(call([], TRUSTED, '1.0')).toBe(false);
});

it.each(['Origin', 'Sec-Fetch-Site', 'sec-fetch-mode'])('is not a page that somebody reads there: %s', (name) => {
  expect(call([name, 'null'])).toBe(false);
});
