import { expect, test } from 'vitest';
import { chooseFrontServer, DemoRefused } from '../../scripts/demo/front-servers.ts';

const installed =
  (...programs: readonly string[]) =>
  (program: string) =>
    ['openssl', ...programs].includes(program) ? `/somewhere/${program}` : null;

test('takes the first that is installed, or the one that is asked for', () => {
  expect(chooseFrontServer(null, installed('haproxy', 'traefik'))).toMatchObject({
    name: 'traefik',
    program: 'traefik',
  });
  expect(chooseFrontServer('haproxy', installed('haproxy', 'traefik'))).toMatchObject({ name: 'haproxy' });
  expect(chooseFrontServer('caddy', installed('caddy-2.11'))).toMatchObject({ name: 'caddy', program: 'caddy-2.11' });
});

test.each([
  ['nothing is', null, installed(), /^install one of nginx, caddy, traefik, haproxy/],
  ['another one is', 'caddy', installed('nginx'), /^install caddy, .*nginx \| traefik \| haproxy$/],
  ['openssl is not', null, (program: string) => installed('nginx')(program === 'openssl' ? '' : program), /openssl/],
  ['it knows nothing of the one', 'apache', installed('nginx'), /not apache$/],
])('says what to install where %s', (_, wanted, find, message) => {
  expect(() => chooseFrontServer(wanted, find)).toThrow(DemoRefused);
  expect(() => chooseFrontServer(wanted, find)).toThrow(message);
});
