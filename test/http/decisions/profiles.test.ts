import { describe, expect, it } from 'vitest';
import { WireHeaderFields } from '../../../src/http/header-fields.ts';
import { readAutoTarget } from '../../../src/http/profiles/auto.ts';
import { readEnvoyTarget } from '../../../src/http/profiles/envoy.ts';
import { readForwardedTarget } from '../../../src/http/profiles/forwarded.ts';
import { readNginxTarget } from '../../../src/http/profiles/nginx.ts';
import { isTarget, type TargetReading, targetFromUrl } from '../../../src/http/target.ts';

function fields(lines: readonly string[]): WireHeaderFields {
  return new WireHeaderFields(
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

function inShort(reading: TargetReading): string {
  return isTarget(reading)
    ? `${reading.method} ${reading.scheme} ${reading.host} ${reading.port} ${reading.requestTarget}`
    : reading;
}

const URL = 'X-Original-URL: https://app.example.com/x?y=1';
const METHOD = 'X-Original-Method: GET';
const FORWARDED = [
  'X-Forwarded-Method: GET',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: app.example.com',
  'X-Forwarded-Uri: /x?y=1',
];
const TOLD = 'GET https app.example.com 443 /x?y=1';

describe('nginx', () => {
  it.each([
    ['all', [URL, METHOD], TOLD],
    ['names in any case', [URL.toLowerCase(), METHOD.replace('X-Original-Method', 'X-ORIGINAL-METHOD')], TOLD],
    ['no method', [URL], TOLD.replace('GET', '')],
    ['the URI and two of the forwarded fields', ['X-Original-URI: /x?y=1', METHOD, FORWARDED[1], FORWARDED[2]], TOLD],
    ['both the URL and the URI', [URL, METHOD, 'X-Original-URI: /x?y=1'], TOLD],
    ['the same place in the forwarded fields', [URL, METHOD, FORWARDED[1], FORWARDED[2]], TOLD],
    ['the same host in capitals', [URL, METHOD, 'X-Forwarded-Host: APP.example.com.'], TOLD],
    [
      'a host without its port',
      ['X-Original-URL: https://app.example.com:8443/', METHOD, 'X-Forwarded-Host: app.example.com'],
      'GET https app.example.com 8443 /',
    ],
    ['nothing', [], 'missing'],
    ['blank fields', ['X-Original-URL:', 'X-Original-Method:', 'X-Forwarded-Uri:'], 'missing'],
    ['the method alone', [METHOD], 'malformed'],
    ['the URI without scheme', ['X-Original-URI: /x', METHOD, FORWARDED[2]], 'malformed'],
    ['the URI without host', ['X-Original-URI: /x', METHOD, FORWARDED[1]], 'malformed'],
    ['another URI', [URL, METHOD, 'X-Original-URI: /x'], 'malformed'],
    ['another host', [URL, METHOD, 'X-Forwarded-Host: evil.example.com'], 'malformed'],
    ['another scheme', [URL, METHOD, 'X-Forwarded-Proto: http'], 'malformed'],
    ['another port', [URL, METHOD, 'X-Forwarded-Host: app.example.com:8443'], 'malformed'],
    ['X-Forwarded-Uri', [URL, METHOD, 'X-Forwarded-Uri: /x?y=1'], 'malformed'],
    ['X-Forwarded-Method', [URL, METHOD, 'X-Forwarded-Method: GET'], 'malformed'],
    ['two URLs', [URL, URL, METHOD], 'malformed'],
    ['two URLs, the first blank', ['X-Original-URL:', URL, METHOD], 'malformed'],
    ['two URLs, the last blank', [URL, 'x-original-url:', METHOD], 'malformed'],
    ['two methods', [URL, METHOD, METHOD], 'malformed'],
    ['two forwarded hosts', [URL, METHOD, FORWARDED[2], FORWARDED[2]], 'malformed'],
    ['two forwarded URIs', [URL, METHOD, FORWARDED[3], FORWARDED[3]], 'malformed'],
    ['underscore twins', [URL, METHOD, 'X_Original_URL: https://evil.example.com/', 'X_Forwarded_Uri: /'], TOLD],
    ['joined URLs', [`${URL}, https://app.example.com/public`, METHOD], 'malformed'],
    ['joined methods', [URL, `${METHOD}, POST`], 'malformed'],
  ] as [string, string[], string][])('%s', (_what, lines, expected) => {
    expect(inShort(readNginxTarget(fields(lines)))).toBe(expected);
  });
});

describe('Caddy, Traefik and HAProxy', () => {
  const without = (index: number) => FORWARDED.filter((_, at) => at !== index);
  it.each([
    ['all', FORWARDED, TOLD],
    ['no method', without(0), TOLD.replace('GET', '')],
    ['no scheme', without(1), 'malformed'],
    ['no host', without(2), 'malformed'],
    ['no URI', without(3), 'malformed'],
    ['scheme and host alone', [FORWARDED[1], FORWARDED[2]], 'missing'],
    ['nothing', [], 'missing'],
    ['X-Original-URL', [...FORWARDED, URL], 'malformed'],
    ['X-Original-URI', [...FORWARDED, 'X-Original-URI: /x?y=1'], 'malformed'],
    ['X-Original-Method', [...FORWARDED, METHOD], 'malformed'],
    ['two X-Original-URLs, blank', [...FORWARDED, 'X-Original-URL:', 'X-Original-URL:'], 'malformed'],
    ...FORWARDED.map((line, index) => [`field ${index} twice`, [...FORWARDED, line], 'malformed']),
    ['joined hosts', [...without(2), 'X-Forwarded-Host: app.example.com, evil.example.com'], 'malformed'],
    ['joined schemes', [...without(1), 'X-Forwarded-Proto: https,http'], 'malformed'],
    ['joined URIs', [...without(3), 'X-Forwarded-Uri: /public, /x'], 'malformed'],
    ['joined methods', [...without(0), 'X-Forwarded-Method: GET, GET'], 'malformed'],
    ['an absolute URI', [...without(3), 'X-Forwarded-Uri: https://evil.example.com/x'], 'malformed'],
    ['an asterisk', [...without(3), 'X-Forwarded-Uri: *'], 'malformed'],
    ['wss', [...without(1), 'X-Forwarded-Proto: wss'], TOLD],
    ['another scheme', [...without(1), 'X-Forwarded-Proto: ftp'], 'malformed'],
  ] as [string, string[], string][])('%s', (_what, lines, expected) => {
    expect(inShort(readForwardedTarget(fields(lines)))).toBe(expected);
  });
});

describe('Envoy', () => {
  it.each([
    ['/validate/envoy/x?y=1', ['Host: app.example.com'], TOLD],
    ['/validate/envoy/', ['Host: app.example.com:8443', 'X-Forwarded-Proto: http'], 'GET http app.example.com 8443 /'],
    ['/validate/envoy', ['Host: app.example.com'], 'GET https app.example.com 443 /'],
    ['/validate/envoy//x/../y', ['Host: app.example.com'], 'GET https app.example.com 443 //x/../y'],
    ['/validate/envoy/x', [], 'malformed'],
    ['/validate/envoy/x', ['Host:'], 'malformed'],
    ['/validate/envoy/x', ['Host: a', 'Host: b'], 'malformed'],
    ['/validate/envoy/x', ['Host: a, b'], 'malformed'],
    ['/validate/envoy?x', ['Host: a'], 'malformed'],
    ['/validate/envoy/x#y', ['Host: a'], 'malformed'],
    ['/validate/envoy/x', ['Host: a', 'X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'], 'malformed'],
    ['/validate/envoy/x', ['Host: a', 'X-Forwarded-Proto: https, http'], 'malformed'],
    ['/validate/envoy/x', ['Host: a', URL], 'malformed'],
    ['/validate/envoy/x', ['Host: a', METHOD], 'malformed'],
  ] as [string, string[], string][])('%s with %j: %s', (path, lines, expected) => {
    expect(inShort(readEnvoyTarget(path, 'GET', fields(lines), 'https'))).toBe(expected);
  });
});

describe('auto', () => {
  it.each([
    ['nginx alone', [URL, METHOD], `nginx ${TOLD}`],
    ['the others alone', FORWARDED, `forwarded ${TOLD}`],
    ['both, agreeing', [URL, METHOD, ...FORWARDED], `nginx ${TOLD}`],
    ['nothing', [], 'forwarded missing'],
    ['both, another path', [URL.replace('/x', '/z'), METHOD, ...FORWARDED], 'nginx malformed'],
    ['both, another query', [URL.replace('y=1', 'y=2'), METHOD, ...FORWARDED], 'nginx malformed'],
    ['both, another method', [URL, 'X-Original-Method: POST', ...FORWARDED], 'nginx malformed'],
    ['both, one without a method', [URL, ...FORWARDED], 'nginx malformed'],
    ['both, another spelling of the path', [URL.replace('/x', '/%78'), METHOD, ...FORWARDED], 'nginx malformed'],
    ['nginx and a client’s X-Forwarded-Uri', [URL, METHOD, 'X-Forwarded-Uri: /public'], 'nginx malformed'],
    ['nginx and a client’s X-Forwarded-Method', [URL, METHOD, 'X-Forwarded-Method: GET'], 'nginx malformed'],
    ['the others and a client’s X-Original-Method', [...FORWARDED, METHOD], 'nginx malformed'],
    ['the others and a client’s X-Original-URI', [...FORWARDED, 'X-Original-URI: /public'], 'nginx malformed'],
    [
      'the others and a client’s X-Original-URL for another host',
      [...FORWARDED, 'X-Original-URL: https://evil.example.com/x?y=1', METHOD],
      'nginx malformed',
    ],
  ] as [string, string[], string][])('%s', (_what, lines, expected) => {
    const { target, speaks } = readAutoTarget(fields(lines));
    expect(`${speaks} ${inShort(target)}`).toBe(expected);
  });
});

describe('a target URL', () => {
  it.each([
    ['https://app.example.com:8443/', 'GET https app.example.com 8443 /'],
    ['HTTP://APP.example.com./x', 'GET http app.example.com 80 /x'],
    ['https://app_1.example.com/\xe9', 'GET https app_1.example.com 443 /\xe9'],
    ['https://[::1]:8443/', 'GET https ::1 8443 /'],
    ['https://[0:0:0:0:0:0:0:1]/', 'GET https ::1 443 /'],
    ['https://app.example.com', 'malformed'],
    ['https://app.example.com?x=/y', 'malformed'],
    ['https://app.example.com*', 'malformed'],
    ['https://user@app.example.com/', 'malformed'],
    ['https://app.example.com@evil.example.com/', 'malformed'],
    ['https://app.example.com:/', 'malformed'],
    ['https://app.example.com:0/', 'malformed'],
    ['https://app.example.com:0443/', 'malformed'],
    ['https://app.example.com:65536/', 'malformed'],
    ['https://app.example.com:443:443/', 'malformed'],
    ['https://app.example.com:+443/', 'malformed'],
    ['https://app..example.com/', 'malformed'],
    ['https://.example.com/', 'malformed'],
    ['https://-app.example.com/', 'malformed'],
    ['https://app.example.com\\.evil.example.com/', 'malformed'],
    ['https://app%2eexample.com/', 'malformed'],
    ['https://app.example.com,evil/', 'malformed'],
    ['https://caf\xe9.example.com/', 'malformed'],
    ['https:///x', 'malformed'],
    ['https://[::1/', 'malformed'],
    ['https://[::1]x/', 'malformed'],
    ['https://[::1]:/', 'malformed'],
    ['https://[fe80::1%25eth0]/', 'malformed'],
    ['https://[v1.x]/', 'malformed'],
    [`https://${'a'.repeat(300)}/`, 'malformed'],
    ['javascript://app.example.com/', 'malformed'],
    ['//app.example.com/', 'malformed'],
    ['/x', 'malformed'],
    ['https://app.example.com/a b', 'malformed'],
    ['https://app.example.com/a\tb', 'malformed'],
    ['https://app.example.com/a#b', 'malformed'],
    ['https://app.example.com/\x7f', 'malformed'],
    ['https://app.example.com/\x01', 'malformed'],
    ['https://app.example.comhttp://evil.example.com/', 'malformed'],
    ['', 'malformed'],
  ])('%j: %s', (url, expected) => expect(inShort(targetFromUrl(url, 'GET'))).toBe(expected));

  it.each([
    ['GET /', 'malformed'],
    ['G(T', 'malformed'],
    ['A'.repeat(33), 'malformed'],
    ['\xc9', 'malformed'],
    ['M-SEARCH', 'M-SEARCH'],
  ])('with the method %j: %s', (method, expected) =>
    expect(inShort(targetFromUrl('https://a/', method)).split(' ')[0]).toBe(expected),
  );
});
