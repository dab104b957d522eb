import { expect, it } from 'vitest';
import { publicUrlNeedsPort, publicUrlOf } from '../../src/config/public-url.ts';
import { configurationOf } from './loading.ts';

it.each([
  ['', 'http://127.0.0.1:9190/', false],
  ['public_url: https://auth.example.com/gate\nlisten: {port: 0}', 'https://auth.example.com/gate', false],
  ['listen: {host: "::1", port: 8080}', 'http://[::1]:8080/', false],
  ['listen: {socket: /a}', 'http://127.0.0.1:9190/', false],
  ['listen: [{port: 1, serves: [decisions]}, {socket: /a}, {host: localhost, port: 2}]', 'http://localhost:2/', false],
  ['listen: [{port: 8080}, {port: 0}]', 'http://127.0.0.1:8080/', true],
  ['listen: [{socket: /a}, {port: 0}]', 'http://127.0.0.1:4711/', true],
])('%j is reached at %s', async (text, url, needsPort) => {
  const configuration = await configurationOf(text);
  expect(publicUrlOf(configuration, ['unix:/a', 'http://127.0.0.1:4711']).href).toBe(url);
  expect(publicUrlNeedsPort(configuration)).toBe(needsPort);
});
