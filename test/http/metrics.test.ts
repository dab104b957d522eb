import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { ask } from '../support/http-client.ts';
import { logIn } from '../support/login.ts';
import { scrape } from '../support/scrape.ts';

let service: Gatelodge;
let base: string;
let metrics: string;
beforeAll(async () => {
  const [port, metricsPort] = [await freePort(), await freePort()];
  base = `http://127.0.0.1:${port}`;
  metrics = `http://127.0.0.1:${metricsPort}/metrics`;
  service = await startGatelodge({
    yaml: `
listen: {port: ${port}}
metrics: {listen: {port: ${metricsPort}}}
users: [{username: alice, password: correct-horse}]
auth_plugins: {session: {}, basic: {}, own: {type: basic, users: {owner: own-password}}, token: {}, apikey: {}}
auth: {default_plugins: [session, basic, token, apikey]}
login_limits: {account: {attempts: 2, window: 10m, lock: 10m}}
paths:
  - {path: /open, authenticate: false}
  - {path: /admin, roles: [admin]}
  - {path: /own, plugins: [own]}
`,
    ready: port,
  });
  for (let left = 1_000; left > 0 && !service.output().includes('metrics.ready'); left -= 1) await sleep(25);
});
afterAll(() => service?.stop());

const check = (path: string, headers: Record<string, string> = {}) =>
  ask(`${base}/validate`, {
    headers: { 'x-original-url': `https://app.example.com${path}`, 'x-original-method': 'GET', ...headers },
  });
const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const post = (password: string, username = 'alice') =>
  ask(`${base}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });

it('counts decisions by effect, reason and rule, and how long each took', async () => {
  const before = await scrape(metrics);
  await check('/open');
  await check('/open');
  await check('/elsewhere');
  await check('/elsewhere?', { 'x-forwarded-uri': '/' });
  const after = await scrape(metrics);
  const more = (labels: string) =>
    after(`gatelodge_decisions_total{${labels}}`) - before(`gatelodge_decisions_total{${labels}}`);
  expect(more('effect="allow",reason="none",rule="1"')).toBe(2);
  expect(more('effect="challenge",reason="no-credentials",rule="default"')).toBe(1);
  expect(more('effect="deny",reason="malformed-request",rule="default"')).toBe(1);
  const counted = 'gatelodge_decision_duration_seconds_count';
  expect(after(counted) - before(counted)).toBe(4);
  expect(after('gatelodge_decision_duration_seconds_bucket{le="+Inf"}')).toBe(after(counted));
  expect(after('gatelodge_decision_duration_seconds_sum')).toBeGreaterThan(0);
});

it('counts logins by way and outcome, sessions, and what was remembered', async () => {
  const { jar } = await logIn(`${base}/login`, 'alice', 'correct-horse');
  await post('correct-horse');
  for (let count = 0; count < 3; count += 1) await check('/', { cookie: jar.header() });
  for (let count = 0; count < 3; count += 1)
    expect((await check('/admin', basic('alice', 'correct-horse'))).status).toBe(403);
  expect((await check('/own', basic('owner', 'own-password'))).status).toBe(200);
  await check('/own', basic('owner', 'wrong'));
  for (let count = 0; count < 4; count += 1) await post('wrong', 'nobody');
  const value = await scrape(metrics);
  const logins = (way: string, outcome: string) => value(`gatelodge_logins_total{way="${way}",outcome="${outcome}"}`);
  expect(logins('form', 'succeeded')).toBe(1);
  expect(logins('token', 'succeeded')).toBe(1);
  expect(logins('token', 'refused')).toBe(2);
  expect(logins('token', 'limited')).toBe(2);
  expect(logins('basic', 'succeeded')).toBe(2);
  expect(logins('basic', 'refused')).toBe(1);
  expect(value('gatelodge_cache_hits_total{cache="sessions"}')).toBe(3);
  expect(value('gatelodge_cache_entries{cache="sessions"}')).toBe(1);
  expect(value('gatelodge_cache_hits_total{cache="remembered"}')).toBe(2);
  expect(value('gatelodge_cache_entries{cache="remembered"}')).toBe(2);
});

it('tells what is running, and the process', async () => {
  const value = await scrape(metrics);
  expect(value.text).toMatch(/^gatelodge_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+"\} 1$/m);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e7);
  expect(value('gatelodge_password_hashing{state="working"}')).toBe(0);
  expect(value('gatelodge_password_hashing{state="waiting"}')).toBe(0);
  expect(value('gatelodge_reloads_total{outcome="done"}')).toBe(0);
  // What Prometheus refuses: a name that is told twice.
  const names = [...value.text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
  expect(new Set(names).size).toBe(names.length);
});

it('keeps people, hosts and paths out of the labels', async () => {
  await check('/a-path-of-mine', {
    ...basic('mallory', 'x'),
    'x-original-url': 'https://a-host.example/a-path-of-mine',
  });
  const { text } = await scrape(metrics);
  for (const said of ['alice', 'mallory', 'a-host', 'app.example.com', 'a-path-of-mine', '/admin', '127.0.0.1'])
    expect(text.includes(said), said).toBe(false);
});

it('is on its own listener alone, and that serves nothing else', async () => {
  expect((await ask(`${base}/metrics`)).status).toBe(404);
  const origin = new URL(metrics).origin;
  for (const path of ['/validate', '/login', '/healthz', '/readyz', '/'])
    expect((await ask(origin + path)).status).toBe(404);
});

it('are all in the documentation, and the dashboard asks for no others', async () => {
  const { text } = await scrape(metrics);
  const own = [...text.matchAll(/^# TYPE (gatelodge_\S+)/gm)].map((match) => match[1] ?? '');
  const documented = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^\| `(gatelodge_\w+)` \|/gm)].map(
    (match) => match[1] ?? '',
  );
  const withWorkers = ['gatelodge_workers', 'gatelodge_worker_answers_missed_total', 'gatelodge_workers_lost_total'];
  expect(documented.toSorted()).toEqual([...own, ...withWorkers].toSorted());

  const all = [...[...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? ''), ...withWorkers];
  const dashboard = JSON.parse(readFileSync('deploy/grafana/gatelodge.json', 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
  };
  const asked = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  expect(asked.length).toBeGreaterThan(20);
  for (const expr of asked) {
    const names = [...expr.matchAll(/\b(?:gatelodge|process|nodejs)_\w+/g)].map(([name]) => name);
    expect(names.length, expr).toBeGreaterThan(0);
    for (const name of names) expect(all, expr).toContain(name.replace(/_(?:bucket|sum|count)$/, ''));
  }
});
