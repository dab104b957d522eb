import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Answer, ask } from '../support/http-client.ts';

const running: Gatelodge[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((gatelodge) => gatelodge.stop()));
});

interface Service extends Gatelodge {
  readonly base: string;
}

async function serve(): Promise<Service> {
  const port = await freePort();
  const gatelodge = await startGatelodge({
    yaml: `
listen: {port: ${port}}
log: {pii: plain}
users:
  - {username: inside, password: correct-horse, roles: [admin], networks: [10.0.0.0/8, "2001:db8::/32"]}
  - {username: anywhere, password: correct-horse}
auth_plugins: {session: {}, basic: {}, own: {type: basic, users: {inside: tin-man}}, token: {}, apikey: {}}
auth: {default_plugins: [session, basic, token, apikey]}
paths:
  - {path: /both, plugins: [own, apikey], mode: all}
  - {path: /optional, authenticate: optional}
  - {path: /public, authenticate: false}
login_limits: {account: {attempts: 1000}, address: {attempts: 1000}}
`,
    ready: port,
  });
  running.push(gatelodge);
  return { ...gatelodge, base: `http://127.0.0.1:${port}` };
}

type Headers = Readonly<Record<string, string>>;
const HERE = '10.1.2.3';
const ELSEWHERE = '192.0.2.7';

const check = ({ base }: Service, headers: Headers, address: string | null, path = '/'): Promise<Answer> =>
  ask(`${base}/validate/caddy`, {
    headers: {
      ...{ 'x-forwarded-method': 'GET', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.example.com' },
      ...{ 'x-forwarded-uri': path, ...(address === null ? {} : { 'x-forwarded-for': address }), ...headers },
    },
  });
const post = ({ base }: Service, username: string, password: string, address: string): Promise<Answer> =>
  ask(`${base}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify({ username, password }),
  });
const basic = (user: string, password = 'correct-horse'): Headers => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const told = ({ status, headers }: Answer) => [status, headers['x-auth-reason'] ?? headers['x-auth-user']];

async function form({ base }: Service, address: string, fields: Headers): Promise<Answer> {
  const page = await ask(`${base}/login`, { headers: { accept: 'text/html', 'x-forwarded-for': address } });
  const cookie = String(page.headers['set-cookie']).split(';')[0] ?? '';
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.body.toString())?.[1] ?? '';
  return ask(`${base}/login`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': address, origin: base, cookie },
    },
    body: new URLSearchParams({ csrf, ...fields }).toString(),
  });
}
const sessionOf = (answer: Answer): Headers => ({
  cookie: [answer.headers['set-cookie'] ?? []]
    .flat()
    .map((line) => line.split(';')[0])
    .join('; '),
});

describe('a user with networks', () => {
  it('is refused from elsewhere with every credential, and let in from there with the same', async () => {
    const service = await serve();
    const session = sessionOf(await form(service, HERE, { username: 'inside', password: 'correct-horse' }));
    const { token } = JSON.parse((await post(service, 'inside', 'correct-horse', HERE)).body.toString());
    const key = (await service.run('keys', 'create', '--user', 'inside', '--name', 'x')).trim();
    for (const credential of [session, { authorization: `Bearer ${token}` }, { 'x-api-key': key }]) {
      expect(told(await check(service, credential, HERE))).toEqual([200, 'inside']);
      expect(told(await check(service, credential, '::ffff:10.9.9.9'))).toEqual([200, 'inside']);
      expect(told(await check(service, credential, '2001:db8:1::1'))).toEqual([200, 'inside']);
      for (const address of [ELSEWHERE, '2001:db9::1', '11.0.0.1', 'unknown', null])
        expect(told(await check(service, credential, address)), `${address}`).toEqual([403, 'user-not-allowed']);
      // Nor as nobody, where that would do: the credential is a stolen one, or the networks are wrong.
      expect(told(await check(service, credential, ELSEWHERE, '/optional'))).toEqual([403, 'user-not-allowed']);
      expect((await check(service, credential, ELSEWHERE, '/public')).status).toBe(200);
      expect(told(await check(service, credential, HERE))).toEqual([200, 'inside']);
    }
    // What the client itself puts in front of its address counts for nothing.
    expect((await check(service, { 'x-api-key': key }, `${HERE}, ${ELSEWHERE}`)).status).toBe(403);
    // Two proofs at once, of which the first is of nobody in the directory.
    const both = { ...basic('inside', 'tin-man'), 'x-api-key': key };
    expect(told(await check(service, both, HERE, '/both'))).toEqual([200, 'inside']);
    expect(told(await check(service, both, ELSEWHERE, '/both'))).toEqual([403, 'user-not-allowed']);
    expect((await check(service, basic('anywhere'), ELSEWHERE)).status).toBe(200);
  });

  it('has a wrong password from elsewhere: the same answer and as much hashing, also where it was right a moment ago', async () => {
    const service = await serve();
    const same = (answers: readonly Answer[]) => {
      const plain = answers.map(({ status, headers, body }) => {
        const { date: _, 'x-request-id': __, 'set-cookie': cookies, ...rest } = headers;
        return {
          status,
          rest,
          cookies: cookies?.length,
          body: body.toString().replace(/name="csrf" value="[^"]+"/, ''),
        };
      });
      expect(plain[0]).toEqual(plain[1]);
      return plain[0]?.status;
    };
    expect((await post(service, 'inside', 'correct-horse', HERE)).status).toBe(200);
    const auth = [
      await post(service, 'inside', 'wrong', ELSEWHERE),
      await post(service, 'inside', 'correct-horse', ELSEWHERE),
    ];
    expect(same(auth)).toBe(401);
    const pages: Answer[] = [];
    for (const password of ['wrong', 'correct-horse'])
      pages.push(await form(service, ELSEWHERE, { username: 'inside', password }));
    expect(same(pages)).toBe(401);
    // Basic remembers what was right, but not for everywhere.
    expect((await check(service, basic('inside'), HERE)).status).toBe(200);
    const checks = [
      await check(service, basic('inside', 'wrong'), ELSEWHERE),
      await check(service, basic('inside'), ELSEWHERE),
    ];
    expect(same(checks)).toBe(401);
    expect((await check(service, basic('inside'), HERE)).status).toBe(200);
    // The audit tells them apart; its lines are written in batches.
    const audited = () => service.output().match(/"reason":"network-not-allowed"/g)?.length;
    await eventually(async () => audited() === 3);
    // Two at once, from both sides, are judged each by its own address.
    const together = await Promise.all([HERE, ELSEWHERE].map((from) => post(service, 'inside', 'correct-horse', from)));
    expect(together.map(({ status }) => status)).toEqual([200, 401]);
  });

  it('manages nothing and is named to nobody from elsewhere', async () => {
    const service = await serve();
    const session = sessionOf(await form(service, HERE, { username: 'inside', password: 'correct-horse' }));
    const key = (await service.run('keys', 'create', '--user', 'inside', '--name', 'x', '--scope', 'keys')).trim();
    const get = (path: string, headers: Headers, address: string) =>
      ask(`${service.base}${path}`, { headers: { ...headers, 'x-forwarded-for': address } });
    for (const [address, status] of [
      [HERE, 200],
      [ELSEWHERE, 403],
    ] as const) {
      expect((await get('/userinfo', session, address)).status).toBe(status);
      expect((await get('/api/v1/keys', { 'x-api-key': key }, address)).status).toBe(status);
    }
    // The login page does not send them on, nor does the page about a refusal say whose session it is.
    expect((await get('/login', { ...session, accept: 'text/html' }, HERE)).status).toBe(303);
    expect((await get('/login', { ...session, accept: 'text/html' }, ELSEWHERE)).status).toBe(200);
    const page = await get('/forbidden?reason=user-not-allowed', { ...session, accept: 'text/html' }, ELSEWHERE);
    expect(page.body.toString()).not.toContain('inside');
  });

  it('of the database gets and loses them by command, beside the service', async () => {
    const service = await serve();
    await service.run('users', 'add', 'bob', '--network', '10.0.0.0/8', '--network', '192.0.2.7', '--generate');
    const key = (await service.run('keys', 'create', '--user', 'bob', '--name', 'x')).trim();
    const status = async (address: string) => (await check(service, { 'x-api-key': key }, address)).status;
    expect([await status(HERE), await status(ELSEWHERE), await status('192.0.2.8')]).toEqual([200, 200, 403]);
    expect(await service.run('users', 'show', 'bob')).toMatch(/^networks: +10\.0\.0\.0\/8, 192\.0\.2\.7$/m);
    await service.run('users', 'set', 'bob', '--network', '172.16.0.0/12');
    await eventually(async () => (await status(HERE)) === 403);
    expect(await status('172.31.0.1')).toBe(200);
    await service.run('users', 'set', 'bob', '--network', '');
    await eventually(async () => (await status(ELSEWHERE)) === 200);
    expect(await service.run('users', 'show', 'bob')).toMatch(/^networks: +anywhere$/m);
    await expect(service.run('users', 'set', 'bob', '--network', '10.0.0.0/99')).rejects.toThrow(/--network takes/);
    expect(await status(ELSEWHERE)).toBe(200);
    // Eight commands, each a process.
  }, 120_000);
});

/** What a command changes holds within a second. */
async function eventually(what: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(20)) if (await what()) return;
  throw new Error('it did not happen');
}
