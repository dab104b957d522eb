import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP, basic, type Service, startService } from './service.ts';
import { check, verdict, viaForwarded, viaNginx } from './wire.ts';

const RULES = `
auth_plugins: {basic: {}}
paths:
  - {path: /public, authenticate: false}
  - {path: /read, methods: [GET], authenticate: false}
  - {host: other.example.com, authenticate: false}
  - {path: /}
`;
const PUBLIC = viaNginx(`${APP}/public`);
const SECRET = viaNginx(`${APP}/secret`);
const HOST = 'app.example.com';

let service: Service;
beforeAll(async () => {
  service = await startService(RULES);
});
afterAll(() => service.stop());
const ask = (lines: readonly string[], path = '/validate/nginx') => verdict(service.port, lines, { path });

describe('who may ask', () => {
  it('is the trusted front server alone', async () => {
    expect(await ask(PUBLIC)).toBe('200');
    expect(await ask(SECRET)).toBe('401 no-credentials');
    for (const path of ['/validate', '/validate/nginx', '/validate/caddy', '/validate/envoy/public']) {
      for (const lines of [PUBLIC, viaForwarded(HOST, '/public'), [...SECRET, basic('alice')], []]) {
        expect(await verdict(service.port, [...lines, 'X-Forwarded-For: 127.0.0.1'], { path, from: '127.0.0.2' })).toBe(
          '403 untrusted-peer',
        );
      }
    }
  });

  it('is told nothing where it asks for what is no check', async () => {
    const paths = [
      '/validate/',
      '/validate/unknown',
      '/validate/auto',
      '/validate/nginx/',
      '/validate/nginx/x',
      '/validate//nginx',
      '/validate/Nginx',
      '/validate/%6eginx',
      '/validate/envoyx',
      '/validate/constructor',
      '/validate/__proto__',
      '/validatex',
      '/Validate',
      '/validate%2fnginx',
      '/validate;x',
      '//validate',
      '/x/../validate',
      '/healthz/',
      '/readyz/',
      '/healthz/x',
    ];
    for (const path of paths) {
      const answer = await check(service.port, PUBLIC, { path });
      expect(answer.status, path).toBe(404);
      expect(answer.header('x-auth-user'), path).toEqual([]);
    }
    expect((await check(service.port, [], { path: '/healthz' })).status).toBe(200);
    expect((await check(service.port, [], { path: '/readyz?x=1' })).status).toBe(200);
  });
});

describe('a foreign family under a fixed profile', () => {
  it.each([
    ['X-Forwarded-Uri to nginx', '/validate/nginx', [...PUBLIC, 'X-Forwarded-Uri: /public']],
    ['X-Forwarded-Method to nginx', '/validate/nginx', [...PUBLIC, 'X-Forwarded-Method: GET']],
    ...['caddy', 'traefik', 'haproxy'].flatMap((name) => [
      [
        `X-Original-URL to ${name}`,
        `/validate/${name}`,
        [...viaForwarded(HOST, '/public'), `X-Original-URL: ${APP}/public`],
      ],
      [`X-Original-URI to ${name}`, `/validate/${name}`, [...viaForwarded(HOST, '/public'), 'X-Original-URI: /public']],
      [
        `X-Original-Method to ${name}`,
        `/validate/${name}`,
        [...viaForwarded(HOST, '/public'), 'X-Original-Method: GET'],
      ],
    ]),
    ['X-Original-URL to Envoy', '/validate/envoy/public', [`X-Original-URL: ${APP}/public`]],
    ['X-Original-Method to Envoy', '/validate/envoy/public', ['X-Original-Method: GET']],
  ] as [string, string, string[]][])('%s is refused', async (_what, path, lines) =>
    expect(await ask(lines, path)).toBe('403 malformed-request'),
  );
});

describe('a target told twice', () => {
  it.each(['X-Original-URL', 'X-Original-Method', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Original-URI'])(
    '%s in two lines, in either order and case, is refused',
    async (name) => {
      const values: Record<string, [string, string]> = {
        'X-Original-URL': [`${APP}/secret`, `${APP}/public`],
        'X-Original-Method': ['GET', 'POST'],
        'X-Forwarded-Host': [HOST, 'other.example.com'],
        'X-Forwarded-Proto': ['https', 'http'],
        'X-Original-URI': ['/secret', '/public'],
      };
      const rest = PUBLIC.filter((line) => !line.startsWith(name));
      const [one, two] = values[name] ?? ['', ''];
      for (const pair of [
        [one, two],
        [two, one],
        [two, two],
        ['', two],
        [two, ''],
      ] as const) {
        const lines = [`${name}: ${pair[0]}`, ...rest, `${name.toLowerCase()}: ${pair[1]}`];
        expect(await ask(lines), pair.join()).toBe('403 malformed-request');
      }
      expect(await ask([...rest, `${name}: ${one}, ${two}`])).toBe('403 malformed-request');
    },
  );

  it('of the others too', async () => {
    for (const line of viaForwarded(HOST, '/public')) {
      expect(await ask([...viaForwarded(HOST, '/public'), line], '/validate/caddy'), line).toBe(
        '403 malformed-request',
      );
    }
  });

  it('in two header fields that disagree is refused', async () => {
    for (const line of [
      'X-Forwarded-Host: other.example.com',
      'X-Forwarded-Host: app.example.com:8443',
      'X-Forwarded-Proto: http',
      'X-Original-URI: /public',
    ]) {
      expect(await ask([...SECRET, line]), line).toBe('403 malformed-request');
    }
    for (const line of [
      'X-Forwarded-Host: app.example.com',
      'X-Forwarded-Host: APP.example.com:443',
      'X-Forwarded-Proto: https',
      'X-Original-URI: /secret',
    ]) {
      expect(await ask([...SECRET, line]), line).toBe('401 no-credentials');
    }
  });

  it('in underscores counts for nothing', async () => {
    const twins = [
      'X_Original_URL: https://other.example.com/',
      'X_Original_Method: GET',
      'X_Forwarded_Uri: /public',
      'X_Forwarded_Host: other.example.com',
    ];
    expect(await ask([...SECRET, ...twins])).toBe('401 no-credentials');
    expect(await ask(twins)).toBe('403 malformed-request');
    expect(await ask([...viaForwarded(HOST, '/secret'), ...twins], '/validate/traefik')).toBe('401 no-credentials');
  });
});

describe('auto', () => {
  const auto = (lines: readonly string[]) => ask(lines, '/validate');

  it('takes either family, and both where they agree', async () => {
    expect(await auto(PUBLIC)).toBe('200');
    expect(await auto(viaForwarded(HOST, '/public'))).toBe('200');
    expect(await auto([...PUBLIC, ...viaForwarded(HOST, '/public')])).toBe('200');
    expect(await auto([...SECRET, ...viaForwarded(HOST, '/secret')])).toBe('401 no-credentials');
  });

  it.each([
    ['another path', [...SECRET, ...viaForwarded(HOST, '/public')]],
    ['another path, the other way round', [...PUBLIC, ...viaForwarded(HOST, '/secret')]],
    ['another host', [...SECRET, ...viaForwarded('other.example.com', '/secret')]],
    ['a client’s X-Forwarded-Uri', [...SECRET, 'X-Forwarded-Uri: /public']],
    ['a client’s X-Original-URL', [...viaForwarded(HOST, '/secret'), `X-Original-URL: ${APP}/public`]],
    ['a client’s X-Original-Method', [...viaForwarded(HOST, '/secret'), 'X-Original-Method: GET']],
  ])('refuses %s', async (_what, lines) => expect(await auto(lines)).toBe('403 malformed-request'));
});

describe('a request without a method', () => {
  it('is refused where a rule that would match names methods, and decided elsewhere', async () => {
    const without = (path: string) => [`X-Original-URL: ${APP}${path}`];
    expect(await ask(without('/read'))).toBe('403 malformed-request');
    expect(await ask(without('/public'))).toBe('200');
    expect(await ask(without('/secret'))).toBe('401 no-credentials');
    expect(await ask([...without('/read'), 'X-Original-Method:'])).toBe('403 malformed-request');
    expect(await ask([...without('/read'), 'X-Original-Method: get'])).toBe('401 no-credentials');
    expect(await ask(viaForwarded(HOST, '/read').slice(1), '/validate/caddy')).toBe('403 malformed-request');
  });
});

describe('Envoy', () => {
  const envoy = (path: string, lines: readonly string[] = [], more: { host?: string; method?: string } = {}) =>
    verdict(service.port, lines, { path: `/validate/envoy${path}`, host: HOST, ...more });

  it('is read from its own path, host and method', async () => {
    expect(await envoy('/public?x=1')).toBe('200');
    expect(await envoy('/secret')).toBe('401 no-credentials');
    expect(await envoy('')).toBe('401 no-credentials');
    expect(await envoy('/read')).toBe('200');
    expect(await envoy('/read', [], { method: 'DELETE' })).toBe('401 no-credentials');
    expect(await envoy('/x', [], { host: 'other.example.com' })).toBe('200');
    expect(await envoy('/x', ['X-Forwarded-Host: other.example.com'])).toBe('401 no-credentials');
  });

  it.each([
    '/public/..%2fsecret',
    '/public/../secret/%2e%2e/public',
    '/public%2f..%2fsecret',
    '//secret/../public',
    '/secret/..;/public',
    '/public/%2e%2e/secret',
  ])('%s does not reach a public rule', async (path) => {
    expect(['403 ambiguous-path', '401 no-credentials']).toContain(await envoy(path));
  });

  it('is refused with two hosts', async () => {
    expect(await envoy('/public', ['Host: other.example.com'])).not.toBe('200');
  });
});

it('the check’s own query counts for nothing', async () => {
  for (const query of [
    '?',
    '?X-Original-URL=https://other.example.com/',
    '?/public',
    '?authenticate=false',
    '?rd=/public#x',
  ]) {
    expect(await ask(SECRET, `/validate/nginx${query}`), query).toBe('401 no-credentials');
    expect(await ask(SECRET, `/validate${query}`), query).toBe('401 no-credentials');
    expect(await ask(PUBLIC, `/validate/nginx${query}`), query).toBe('200');
  }
});
