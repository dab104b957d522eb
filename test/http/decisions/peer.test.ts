import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { networkSet } from '../../../src/domain/network.ts';
import { WireHeaderFields } from '../../../src/http/header-fields.ts';
import { clientAddress, type Peer } from '../../../src/http/peer.ts';
import { check, checkBytes, sendAndReset, verdict, viaForwarded, viaNginx } from '../../security/wire.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { type DecisionStand, decisionStand } from './stand.ts';

const trusted = networkSet(['127.0.0.1', '10.0.0.0/8', '::1']);
const proxy: Peer = { trusted: true, address: '127.0.0.1' };
const address = (peer: Peer, ...lines: string[]) =>
  clientAddress(peer, new WireHeaderFields(lines.flatMap((value) => ['X-Forwarded-For', value])), trusted);

describe('the client’s address', () => {
  it.each([
    [[], '127.0.0.1'],
    [[''], '127.0.0.1'],
    [['192.0.2.1'], '192.0.2.1'],
    [['10.9.9.9, 192.0.2.1'], '192.0.2.1'],
    [['192.0.2.1, 10.1.1.1'], '192.0.2.1'],
    [['192.0.2.1,10.1.1.1,10.2.2.2'], '192.0.2.1'],
    [['1.1.1.1, 192.0.2.1, 10.1.1.1'], '192.0.2.1'],
    [['10.3.3.3, 10.1.1.1'], '10.3.3.3'],
    [['192.0.2.1', '10.1.1.1'], '192.0.2.1'],
    [['10.1.1.1', '192.0.2.1'], '192.0.2.1'],
    [['garbage, 192.0.2.1'], '192.0.2.1'],
    [['192.0.2.1, garbage'], null],
    [['192.0.2.1, garbage, 10.1.1.1'], null],
    [['192.0.2.1, unknown'], null],
    [['192.0.2.1, _hidden'], null],
    [['192.0.2.1,'], null],
    [[',192.0.2.1'], '192.0.2.1'],
    [['192.0.2.1', ''], null],
    [['192.0.2.1:4711'], '192.0.2.1'],
    [['[2001:db8::1]:4711'], '2001:db8::1'],
    [['[2001:db8::1]'], '2001:db8::1'],
    [['2001:DB8:0::1'], '2001:db8::1'],
    [['::ffff:192.0.2.1'], '192.0.2.1'],
    [['::ffff:c000:201'], '192.0.2.1'],
    [['192.0.2.1, ::ffff:10.1.1.1'], '192.0.2.1'],
    [['192.0.2.1, ::ffff:a01:101'], '192.0.2.1'],
    [['192.0.2.1, ::1'], '192.0.2.1'],
    [['fe80::1%eth0'], null],
    [['192.0.2.1.'], null],
    [['192.0.2.01'], null],
    [['0xc0000201'], null],
    [['192.0.2.1 10.1.1.1'], null],
    [['"192.0.2.1"'], null],
  ] as [string[], string | null][])('with X-Forwarded-For %j is %s', (lines, expected) =>
    expect(address(proxy, ...lines)).toBe(expected),
  );

  it('is the peer’s own where the peer is not trusted', () => {
    expect(address({ trusted: false, address: '198.51.100.1' }, '192.0.2.1')).toBe('198.51.100.1');
  });

  it('behind a Unix socket is what the front server says, or unknown', () => {
    expect(address({ trusted: true, address: null }, '192.0.2.1')).toBe('192.0.2.1');
    expect(address({ trusted: true, address: null })).toBeNull();
  });
});

describe('on the wire', () => {
  const RULES = [
    { path: '/intern', networks: ['10.0.0.0/8', '127.0.0.0/8'], authenticate: false },
    { path: '/limited', authenticate: false, rate_limit: { requests: 1, per: '1h' } },
    { path: '/public', authenticate: false },
    { deny: true },
  ];
  let stand: DecisionStand;
  beforeAll(async () => {
    stand = await decisionStand({ configuration: { paths: RULES, trusted_proxies: ['127.0.0.1/32'] } });
  });
  afterAll(() => stand.stop());

  it('an untrusted peer is refused before anything it says is looked at', async () => {
    for (const path of ['/validate', '/validate/nginx', '/validate/caddy', '/validate/envoy/public']) {
      const lines = path.endsWith('caddy')
        ? viaForwarded('a', '/public')
        : path.includes('envoy')
          ? []
          : viaNginx('https://a/public');
      expect(await verdict(stand.port, lines, { path }), path).toMatch(/^200$/);
      expect(
        await verdict(stand.port, [...lines, 'X-Forwarded-For: 127.0.0.1'], { path, from: '127.0.0.2' }),
        path,
      ).toBe('403 untrusted-peer');
    }
    expect(await verdict(stand.port, [], { from: '127.0.0.2' })).toBe('403 untrusted-peer');
    const answer = await check(stand.port, viaForwarded('a', '/public', 'Sec-Fetch-Mode: navigate'), {
      path: '/validate/caddy',
      from: '127.0.0.2',
    });
    expect(answer.header('location')).toEqual([]);
  });

  it('a peer that has gone already is no Unix socket, and nothing it says counts', async () => {
    const bytes = checkBytes(viaNginx('https://a/limited', 'X-Forwarded-For: 198.51.100.7'));
    const before = stand.records.length;
    for (let index = 0; index < 20; index += 1) await sendAndReset(stand.port, bytes, '127.0.0.2');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(
      stand.records.slice(before).map(({ decision }) => ('reason' in decision ? decision.reason : decision.effect)),
    ).not.toContain('allow');
    expect(await verdict(stand.port, viaNginx('https://a/limited', 'X-Forwarded-For: 198.51.100.7'))).toBe('200');
  });

  it('thousands of header fields before X-Forwarded-For do not hide it', async () => {
    const junk = Array.from({ length: 3_000 }, (_, index) => `a${index % 10}: ${index}`);
    const lines = (address: string) => viaNginx('https://a/intern', ...junk, `X-Forwarded-For: ${address}`);
    expect(await verdict(stand.port, lines('10.1.1.1'))).toBe('200');
    expect(await verdict(stand.port, lines('192.0.2.1'))).toBe('403 deny-rule');
    expect(await verdict(stand.port, viaNginx('https://a/public', ...junk, 'X-Original-URL: https://b/'))).toBe(
      '403 malformed-request',
    );
  });

  it('an address that cannot be told opens no network', async () => {
    expect(await verdict(stand.port, viaNginx('https://a/intern', 'X-Forwarded-For: 10.1.1.1, garbage'))).toBe(
      '403 malformed-request',
    );
    expect(
      await verdict(
        stand.port,
        viaNginx('https://a/intern', 'X-Forwarded-For: 10.1.1.1', 'X-Forwarded-For: 192.0.2.1'),
      ),
    ).toBe('403 deny-rule');
    expect(
      await verdict(
        stand.port,
        viaNginx(
          'https://a/intern',
          'Forwarded: for=10.1.1.1',
          'X-Real-IP: 10.1.1.1',
          'X_Forwarded_For: 10.1.1.1',
          'X-Forwarded-For: 192.0.2.1',
        ),
      ),
    ).toBe('403 deny-rule');
  });

  it('a Unix socket is trusted, and its client is known only by what the front server says', async () => {
    const directory = await tempDir();
    const socket = join(directory.path, 's');
    const unix = await decisionStand({ configuration: { paths: RULES, trusted_proxies: ['10.0.0.0/8'] }, socket });
    const status = (path: string, headers: Record<string, string> = {}) =>
      new Promise<number | undefined>((resolve, reject) => {
        const all = { 'x-original-url': `https://a${path}`, 'x-original-method': 'GET', ...headers };
        httpRequest({ socketPath: socket, path: '/validate', headers: all, agent: false }, (response) =>
          resolve(response.resume().statusCode),
        )
          .on('error', reject)
          .end();
      });
    try {
      expect(await status('/public')).toBe(200);
      expect(await status('/intern')).toBe(403);
      expect(await status('/intern', { 'x-forwarded-for': '10.1.1.1' })).toBe(200);
    } finally {
      await unix.stop();
      await directory.remove();
    }
  });
});
