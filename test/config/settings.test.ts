import { describe, expect, it } from 'vitest';
import { configurationOf, load, problems } from './loading.ts';

describe('settings', () => {
  it.each<[string, ...string[]]>([
    ['users: [{username: a, email: me@nas}, {username: b, email: "o\'neil+x@mail.example.com"}]'],
    ['users: [{username: a, email: me}]', 'invalid-value 1:30 users[0].email'],
    ['users: [{username: a, email: "a@b@c"}]', 'invalid-value 1:30 users[0].email'],
    ['users: [{username: a, email: "a,b@nas"}]', 'invalid-value 1:30 users[0].email'],
    ['storage: postgres://db/x', 'not-in-this-version 1:10 storage'],
    ['redis: redis://cache', 'not-in-this-version 1:8 redis'],
    ['metrics: {listen: {port: 9190}}', 'invalid-value 1:19 metrics.listen'],
    ['{listen: {socket: /a}, metrics: {listen: {socket: /a}}}', 'invalid-value 1:42 metrics.listen'],
    ['metrics: {listen: {serves: [public]}}', 'unknown-key 1:20 metrics.listen.serves'],
    ['metrics: {}', 'missing-key 1:10 metrics.listen'],
    ['log: {loki: "http://u:p@loki:3100"}'],
    ['log: {loki: {url: "https://loki.example", username: u, password: p, tenant: t, labels: {env: x}}}'],
    ['log: {loki: loki:3100}', 'invalid-value 1:13 log.loki'],
    ['log: {loki: "http://loki/?x"}', 'invalid-value 1:13 log.loki'],
    ['log: {loki: {url: "http://%zz@loki"}}', 'invalid-value 1:19 log.loki.url'],
    ['log: {loki: {url: "http://a@loki", username: b}}', 'contradictory-options 1:19 log.loki.url'],
    ['log: {loki: {url: "http://loki", labels: {"a-b": x}}}', 'invalid-value 1:43 log.loki.labels.a-b'],
    ['rate_limits: {requests: {per: 10}}', 'wrong-type 1:31 rate_limits.requests.per'],
    ['rate_limits: {auth: {per: 1s, block: 1h, burst: 3}}'],
    ['rate_limits: {auth: {per: 1s, block: 0}, requests: {per: 1s, block: 0s}}'],
    ['rate_limits: {auth: {per: 1s, block: 5}}', 'invalid-value 1:38 rate_limits.auth.block'],
    ['rate_limits: {auth: {per: 1s, block: soon}}', 'invalid-value 1:38 rate_limits.auth.block'],
    ['rate_limits: {auth: {per: 1s, burst: 0}}', 'invalid-value 1:38 rate_limits.auth.burst'],
    ['tokens: {lifetime: 2h, refresh_lifetime: 1h}', 'warning contradictory-options 1:42 tokens.refresh_lifetime'],
    ['tokens: {lifetime: 1h, refresh_lifetime: 1h}'],
    ['storage: mysql', 'invalid-value 1:10 storage'],
    ['cookie: {same_site: none}', 'invalid-value 1:21 cookie.same_site'],
    ['cookie: {same_site: none, secure: false}', 'invalid-value 1:21 cookie.same_site'],
    ['{public_url: "https://auth.example.com", cookie: {domain: example.org}}', 'invalid-value 1:59 cookie.domain'],
    ['{public_url: "https://authexample.com", cookie: {domain: .example.com}}', 'invalid-value 1:58 cookie.domain'],
    ['cookie: {secure: on}', 'invalid-value 1:18 cookie.secure'],
    ['public_url: https://user:pw@example.com', 'invalid-value 1:13 public_url'],
    ['public_url: example.com', 'invalid-value 1:13 public_url'],
    ['allowed_redirects: ["https://a.example:99999"]', 'invalid-value 1:21 allowed_redirects[0]'],
    ['allowed_redirects: ["*"]', 'invalid-value 1:21 allowed_redirects[0]'],
    ['listen: {hos: 1}', 'unknown-key 1:10 listen.hos'],
    ['listen: {socket: /a, prot: 1}', 'unknown-key 1:22 listen.prot'],
    ['listen: [{port: 1}, {host: 1}]', 'wrong-type 1:28 listen[1].host'],
    ['listen: {host: "a b"}', 'invalid-value 1:16 listen.host'],
    ['listen: {host: a/b}', 'invalid-value 1:16 listen.host'],
    ['listen: {host: "a:80"}', 'invalid-value 1:16 listen.host'],
    ['listen: {port: 70000}', 'invalid-value 1:16 listen.port'],
    ['listen: {port: 1.5}', 'wrong-type 1:16 listen.port'],
    ['listen: []', 'invalid-value 1:9 listen'],
    ['listen: [{port: 1}, {port: 2}, {host: 127.0.0.1, port: 1}]', 'duplicate-name 1:32 listen[2]'],
    ['listen: [{socket: /a/b}, {socket: /a/c/../b}]', 'duplicate-name 1:26 listen[1]'],
    ['listen: [{port: 0}, {port: 0}, {host: "::1", port: 9190}, {host: 127.0.0.2, port: 9190}]'],
    ['{listen: {socket: a}, metrics: {listen: {socket: ./a}}}', 'invalid-value 1:41 metrics.listen'],
    ['listen: [{port: x}, {port: 9190}]', 'wrong-type 1:17 listen[0].port'],
    ['{listen: {port: x}, metrics: {listen: {port: 9190}}}', 'wrong-type 1:17 listen.port'],
    ['identity_headers: {X-Ok: user, Cookie: user}', 'invalid-value 1:40 identity_headers.Cookie'],
    ['identity_headers: {X-Ok: user, x-ok: email}', 'invalid-value 1:38 identity_headers.x-ok'],
    ['tests: [{request: GET https://a.example/, ip: 10.0.0.0/8, expect: challenge}]', 'invalid-value 1:47 tests[0].ip'],
    ['cookie: {name: __Host-sid}', 'invalid-value 1:16 cookie.name'],
    ['cookie: {name: __secure-sid}', 'invalid-value 1:16 cookie.name'],
    ['public_url: " https://a.example"', 'invalid-value 1:13 public_url'],
    ['public_url: "https://a.example\\n/x"', 'invalid-value 1:13 public_url'],
    ['listen: {socket: /a, socket_chmod: 660}', 'wrong-type 1:36 listen.socket_chmod'],
    ['listen: {socket: /a, port: 1}', 'unknown-key 1:22 listen.port'],
    ['trusted_proxies: 10.0.0.0/8', 'wrong-type 1:18 trusted_proxies'],
    ['users: [{username: a, emial: x}]', 'unknown-key 1:23 users[0].emial'],
    ['users: [{username: a, locked: yes}]', 'wrong-type 1:31 users[0].locked'],
    ['users: [{username: a, password: ""}]', 'invalid-value 1:33 users[0].password'],
    ['users: [{username: a, password: 0123}]', 'wrong-type 1:33 users[0].password'],
    ['users: [{username: a}, {username: b}, {username: a}]', 'duplicate-name 1:50 users[2].username'],
    [
      'users: [{username: a}, {}, {username: a}]',
      'missing-key 1:24 users[1].username',
      'duplicate-name 1:39 users[2].username',
    ],
    ['tests: [{request: /a, expect: allow}]', 'invalid-value 1:19 tests[0].request'],
    ['users: [{username: alice, networks: []}]', 'invalid-value 1:37 users[0].networks'],
    ['tests: [{request: GET https://a.example/, expect: allow, reason: none}]', 'invalid-value 1:66 tests[0].reason'],
  ])('refuses %s', async (text, ...expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  it.each([
    ['backend: {host: x, port: y}', 'warning ignored-key 1:1 backend'],
    ['{public_url: "https://a.example", cookie: {secure: false}}', 'warning insecure-cookie 1:52 cookie.secure'],
    ['trusted_proxies: [10.0.0.1, "::/0"]', 'warning trusts-everybody 1:29 trusted_proxies[1]'],
    ['trusted_proxies: [0.0.0.0/0]', 'warning trusts-everybody 1:19 trusted_proxies[0]'],
    [
      'auth_plugins:\n  oidc: {issuer: "https://i.example", client_id: x}',
      'warning not-in-this-version 2:3 auth_plugins.oidc',
    ],
  ])('loads %s with a warning', async (text, expected) => {
    const loaded = await load(text);
    expect(loaded.configuration).not.toBeNull();
    expect(await problems(text)).toEqual([expected]);
  });

  it.each([
    '{public_url: "https://auth.example.com", cookie: {domain: example.com, same_site: none}}',
    '{public_url: "https://example.com", cookie: {domain: .Example.com}}',
    '{public_url: "http://a.example", cookie: {secure: true, same_site: none}}',
    'users: [{username: a}, {username: A}]',
    'workers: 1',
    'workers: 4',
    'workers: auto',
    'metrics: {listen: {}}',
    'metrics: {listen: {socket: /run/gatelodge/metrics.sock, socket_chmod: "660"}}',
    'redis:',
  ])('takes %s', async (text) => {
    expect(await problems(text)).toEqual([]);
  });

  it('hints at what YAML 1.2 and passwords want', async () => {
    const { problems: found } = await load(
      'log: {pretty: no}\nusers: [{username: a, password: 12345}]\ncookie: {secure: Yes}\n',
    );
    expect(found.map((problem) => problem.message)).toEqual([
      'expected true or false: YAML 1.2 takes yes, no, on and off for texts',
      'expected text: put it in quotes',
      'expected true or false, or auto: YAML 1.2 takes yes, no, on and off for texts',
    ]);
  });

  it('says what a duration is where a number stands, since quotes would not make one of it', async () => {
    const { problems: found } = await load('tokens: {lifetime: 25}\nrate_limits: {auth: {per: 1s, block: 5}}\n');
    expect(found.map(({ code, message }) => [code, message])).toEqual([
      ['wrong-type', 'expected a duration such as 1h: a number and ms, s, m, h, d or w'],
      ['invalid-value', 'expected 0, or a duration such as 500ms: a number and ms, s, m, h, d or w'],
    ]);
  });

  it('takes sockets relative to the file', async () => {
    const { listen } = await configurationOf('listen: [{socket: run/s}, {socket: /run/s, serves: [decisions]}]');
    expect(listen).toEqual([
      { socket: '/nowhere/run/s', socket_chmod: '660', serves: ['decisions', 'public'] },
      { socket: '/run/s', socket_chmod: '660', serves: ['decisions'] },
    ]);
  });
});
