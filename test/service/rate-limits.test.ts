import { writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Answer, ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';

const running: Gatelodge[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

interface Service extends Gatelodge {
  readonly base: string;
  readonly first: string;
}

async function serve(more: string): Promise<Service> {
  const port = await freePort();
  const first = `
listen: {port: ${port}}
users: [{username: alice, password: correct-horse}, {username: bob, password: battery-staple}]
auth_plugins: {session: {}, basic: {}, own: {type: basic, users: {robot: tin-man}}, token: {}, apikey: {}}
`;
  const gatelodge = await startGatelodge({ yaml: first + more, ready: port });
  running.push(gatelodge);
  // All workers, and not the first of them alone.
  for (let times = 0; times < 500 && !gatelodge.output().includes('service.ready'); times += 1) await sleep(20);
  return { ...gatelodge, base: `http://127.0.0.1:${port}`, first };
}

type Headers = Readonly<Record<string, string>>;
const CADDY: Headers = {
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'app.example.com',
};
const check = ({ base }: Service, headers: Headers, path = '/', profile = 'caddy'): Promise<Answer> =>
  ask(`${base}/validate/${profile}`, {
    headers: {
      ...(profile === 'nginx'
        ? { 'x-original-url': `https://app.example.com${path}`, 'x-original-method': 'GET' }
        : { ...CADDY, 'x-forwarded-uri': path }),
      ...headers,
    },
  });
const post = ({ base }: Service, username: string, password: string, address: string): Promise<Answer> =>
  ask(`${base}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify({ username, password }),
  });
const basic = (user: string, password: string): Headers => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

describe('rate_limits.requests', () => {
  it('counts a user by session, token, API key and password as one, behind every front server', async () => {
    const service = await serve('rate_limits: {requests: {per: 1h, burst: 4}}\n');
    const { jar } = await logIn(`${service.base}/login`, 'alice', 'correct-horse');
    const granted = JSON.parse((await post(service, 'alice', 'correct-horse', '192.0.2.1')).body.toString());
    const key = (await service.run('keys', 'create', '--user', 'alice', '--name', 'x')).trim();
    const credentials: readonly Headers[] = [
      { cookie: jar.header() },
      { authorization: `Bearer ${granted.token}` },
      { 'x-api-key': key },
      basic('alice', 'correct-horse'),
    ];
    for (const [index, credential] of credentials.entries())
      expect((await check(service, { ...credential, 'x-forwarded-for': `192.0.2.${index}` })).status).toBe(200);
    for (const credential of credentials) {
      const answer = await check(service, credential);
      expect([answer.status, answer.headers['x-auth-reason']]).toEqual([429, 'rate-limited']);
      const wait = Number(answer.headers['retry-after']);
      expect(wait).toBeGreaterThan(3_000);
      expect(answer.headers).toMatchObject({
        ...{ 'ratelimit-limit': '4', 'ratelimit-remaining': '0', 'ratelimit-reset': String(wait) },
        ...{ 'ratelimit-policy': '"requests";q=4;w=14400', ratelimit: `"requests";r=0;t=${wait}` },
      });
    }
    // nginx knows no 429.
    const nginx = await check(service, { 'x-api-key': key }, '/', 'nginx');
    expect([nginx.status, nginx.headers['x-auth-reason']]).toEqual([403, 'rate-limited']);
    expect(nginx.headers['ratelimit-limit']).toBeUndefined();
    expect((await check(service, basic('bob', 'battery-staple'))).status).toBe(200);
    // Who is refused is not counted: nobody's allowance is used up by others in their name.
    for (let times = 0; times < 6; times += 1) await check(service, basic('bob', `guess ${times}`));
    expect((await check(service, basic('bob', 'battery-staple'))).status).toBe(200);
  });

  it('goes on through a reload, and so does a block', async () => {
    const rules = 'paths: [{path: /a, authenticate: false, rate_limit: {per: 1s, burst: 2, block: 1h}}]\n';
    const service = await serve(rules);
    const from = (address: string) => check(service, { 'x-forwarded-for': address }, '/a');
    const waits = await Promise.all(Array.from({ length: 5 }, () => from('192.0.2.1')));
    expect(waits.map(({ headers }) => headers['retry-after'])).toContain('3600');
    await writeFile(
      join(service.directory, 'gatelodge.yaml'),
      `${service.first}${rules.replace('[', '[{path: /b, deny: true}, ')}`,
    );
    await service.run('reload');
    expect((await check(service, {}, '/b')).status).toBe(403);
    // Without the block, both would have come back by now.
    await sleep(2_000);
    expect((await from('192.0.2.1')).status).toBe(429);
    expect((await from('192.0.2.2')).status).toBe(200);
  });

  it('blocks in every worker what one of them has blocked', async () => {
    const service = await serve(`workers: 2
paths: [{path: /a, authenticate: false, rate_limit: {per: 400ms, burst: 2, block: 1h}}]
`);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const onOneConnection = () =>
      new Promise<number>((resolve, reject) => {
        const headers = { ...CADDY, 'x-forwarded-uri': '/a' };
        get(`${service.base}/validate/caddy`, { agent, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        }).on('error', reject);
      });
    let status = 200;
    for (let times = 0; times < 50 && status === 200; times += 1) status = await onOneConnection();
    agent.destroy();
    expect(status).toBe(429);
    // What the others were told that was let through has come back by now.
    await sleep(1_200);
    // Each on a connection of its own, which goes to the workers in turn.
    const round = await Promise.all(Array.from({ length: 8 }, () => check(service, {}, '/a')));
    expect(round.map((answer) => answer.status)).toEqual(Array(8).fill(429));
  });
});

describe('rate_limits.auth', () => {
  it('limits tries, good or bad, by name and by address, at POST /auth, the login page and Basic', async () => {
    const service = await serve('rate_limits: {auth: {per: 1h, burst: 3}}\n');
    expect((await post(service, 'alice', 'correct-horse', '192.0.2.1')).status).toBe(200);
    expect((await post(service, 'alice', 'wrong', '192.0.2.2')).status).toBe(401);
    expect((await post(service, 'alice', 'correct-horse', '192.0.2.3')).status).toBe(200);
    const name = await post(service, 'alice', 'correct-horse', '192.0.2.4');
    expect(name.status).toBe(429);
    expect(JSON.parse(name.body.toString()).error).toBe('rate-limited');
    expect(name.headers['ratelimit-policy']).toBe('"auth";q=3;w=10800');
    expect(Number(name.headers['retry-after'])).toBeGreaterThan(3_000);
    const page = await logIn(`${service.base}/login`, 'alice', 'correct-horse');
    expect([page.answer.status, page.answer.headers['ratelimit-limit']]).toEqual([429, '3']);
    const asBasic = await check(service, { ...basic('alice', 'correct-horse'), 'x-forwarded-for': '192.0.2.5' });
    expect([asBasic.status, asBasic.headers['x-auth-reason']]).toEqual([429, 'rate-limited']);
    // An instance's own user of whatever name is another one; whose name it is not does not matter.
    const robot = (address: string) => check(service, { ...basic('robot', 'tin-man'), 'x-forwarded-for': address });
    expect((await robot('192.0.2.6')).status).toBe(200);
    for (let times = 0; times < 3; times += 1)
      expect((await post(service, `nobody ${times}`, 'x', '198.51.100.1')).status).toBe(401);
    expect((await post(service, 'bob', 'battery-staple', '198.51.100.1')).status).toBe(429);
    expect((await post(service, 'bob', 'battery-staple', '198.51.100.2')).status).toBe(200);
  });

  it('is told alike of a user who exists and of one who does not', async () => {
    const service = await serve('rate_limits: {auth: {per: 1h, burst: 1}}\n');
    const answers: Answer[] = [];
    for (const [index, user] of ['alice', 'nobody'].entries()) {
      await post(service, user, 'wrong', `192.0.2.${index}`);
      answers.push(await post(service, user, 'wrong', `198.51.100.${index}`));
    }
    const [one, other] = answers.map(({ status, headers, body }) => {
      const { date: _, 'x-request-id': __, ...rest } = headers;
      // The seconds that are left depend on how long this machine takes.
      return { status, rest: JSON.stringify(rest).replaceAll(/3[56]\d\d/g, 'seconds'), body: body.toString() };
    });
    expect(one?.status).toBe(429);
    expect(other).toEqual(one);
  });
});
