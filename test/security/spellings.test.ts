import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import { WireHeaderFields } from '../../src/http/header-fields.ts';
import { accessRequest, isTarget, targetFromParts } from '../../src/http/target.ts';
import { gateOf, plugin } from '../decision/asking.ts';
import { SERVERS } from './servers.ts';

const SEED = 20261122;

/** Rules around a protected area, and what that area is. */
interface Policy {
  readonly name: string;
  readonly paths: readonly Record<string, unknown>[];
  readonly default: 'authenticated' | 'unauthenticated' | 'deny';
  /** Whether nobody may act on this path. */
  readonly isProtected: (path: string) => boolean;
}

const PUBLIC = { authenticate: false };
const isSecret = (path: string) => /^\/(?:admin|api\/v[0-9]+\/secret|public\/internal)(?:\/|$)/.test(path);
const PROTECTED = [
  { path: '/admin', roles: ['admin'] },
  { path: '^/api/v[0-9]+/secret(/.*)?$', regex: true },
  { path: '/public/internal' },
];
/** A server may hand the application `/x%2epng` as it stands: it is a picture all the same. */
const isPicture = (path: string) =>
  /\.png$/.test(path.replaceAll(/%2e/gi, '.').replaceAll(/%70/g, 'p').replaceAll(/%6e/gi, 'n').replaceAll(/%67/g, 'g'));

const POLICIES: readonly Policy[] = [
  {
    name: 'everything else is public, by a literal',
    paths: [...PROTECTED, { path: '/', ...PUBLIC }],
    default: 'deny',
    isProtected: isSecret,
  },
  {
    name: 'everything else is public, by a pattern',
    paths: [...PROTECTED, { path: '^/.*$', regex: true, ...PUBLIC }],
    default: 'deny',
    isProtected: isSecret,
  },
  {
    name: 'everything else is public, by default',
    paths: PROTECTED,
    default: 'unauthenticated',
    isProtected: isSecret,
  },
  {
    name: 'little is public',
    paths: [
      { path: '/public/internal' },
      { path: '/public', ...PUBLIC },
      { path: '^/assets/[a-z.]+$', regex: true, ...PUBLIC },
      { path: '/health', ...PUBLIC },
    ],
    default: 'authenticated',
    isProtected: isSecret,
  },
  {
    name: 'pictures are public before anything else',
    paths: [{ path: '^/.*\\.png$', regex: true, ...PUBLIC }, ...PROTECTED, { path: '/', ...PUBLIC }],
    default: 'deny',
    isProtected: (path) => isSecret(path) && !isPicture(path),
  },
];
const gates = POLICIES.map((policy) =>
  gateOf({
    paths: policy.paths,
    auth: { default_behavior: policy.default },
    plugins: [plugin('session', { kind: 'not-responsible' })],
  }),
);

const hex = (character: string, upper: boolean) => {
  const digits = character.charCodeAt(0).toString(16).padStart(2, '0');
  return upper ? digits.toUpperCase() : digits;
};
/** A text of which some characters are percent-encoded once, twice or three times, in either case of hexadecimal. */
const encoded = (text: string) =>
  fc
    .array(fc.record({ layers: fc.integer({ min: 0, max: 40 }), upper: fc.boolean() }), {
      minLength: text.length,
      maxLength: text.length,
    })
    .map((choices) =>
      [...text]
        .map((character, index) =>
          encodeCharacter(character, choices[index]?.layers ?? 0, choices[index]?.upper ?? false),
        )
        .join(''),
    );
function encodeCharacter(character: string, layers: number, upper: boolean): string {
  if (layers < 32) return character;
  return `%${'25'.repeat(layers < 37 ? 0 : layers < 40 ? 1 : 2)}${hex(character, upper)}`;
}

const separator = fc.oneof(
  { weight: 12, arbitrary: fc.constant('/') },
  fc.constantFrom(
    '//',
    '///',
    '\\',
    '%5c',
    '%5C',
    '%2f',
    '%2F',
    '%252f',
    '%255c',
    '/./',
    '/%2e/',
    '/.;/',
    '/;/',
    '/;x=1/',
    '%c0%af',
    '/x/../',
    '/x/%2e%2e/',
    '/x/..;/',
    '/x/..%2f',
    '\\.\\',
  ),
);
const up = fc.constantFrom(
  '..',
  '..',
  '%2e%2e',
  '.%2e',
  '%2E.',
  '%252e%252e',
  '..;',
  '..;x',
  '..%20',
  '%c0%ae%c0%ae',
  '..%00',
  '...',
  '.',
  '%2e',
  '..%3b',
);
const tail = fc.oneof(
  { weight: 10, arbitrary: fc.constant('') },
  fc.constantFrom(
    ';',
    ';x=1',
    ';a%2fb',
    ';x\\y',
    '%3b',
    '%3bx',
    '.',
    '..',
    '%2e',
    '%20',
    '%00',
    '%0a',
    '%09',
    '%3f',
    '%3fx',
    '%23',
    '%253f',
    ' ',
    '?',
    '#',
  ),
);
const decoy = fc.constantFrom(
  'public',
  'assets',
  'health',
  'x',
  'admin',
  '%61dmin',
  ';',
  '',
  'public;x',
  'x%2fy',
  'x\\y',
  'public%2f..%2fx',
);
const secret = fc.constantFrom(
  ['admin'],
  ['admin', 'users', '1'],
  ['api', 'v1', 'secret'],
  ['api', 'v22', 'secret', 'x'],
  ['public', 'internal'],
  ['public', 'internal', 'x'],
);
const ending = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.constantFrom(
    '/',
    '/.',
    '/..',
    '/../..',
    '/../public',
    '/..;/public',
    '/%2e%2e/public',
    '%2f..%2fpublic',
    '\\..\\public',
    '.png',
    '/x.png',
    ';.png',
    ';/.png',
    '%3f.png',
    '%23.png',
    '?.png',
    '%00.png',
    '%3b.png',
    '/..%3b/x.png',
  ),
);
const start = fc.oneof(
  { weight: 10, arbitrary: fc.constant('/') },
  fc.constantFrom(
    '//',
    '///',
    '//x/',
    '//public/',
    '/\\public/',
    '\\\\x/',
    '/%2fx/',
    '/%5cx/',
    '/;/',
    '/./',
    '/.;/',
    'http://app.example.com/',
    'https://x//',
    '%2f',
  ),
);

/** One spelling of a protected path, or of something that nearly is one. */
const spelling = fc
  .record({ start, decoys: fc.array(fc.tuple(decoy, separator, up), { maxLength: 3 }), secret, ending })
  .chain(({ start: first, decoys, secret: names, ending: last }) =>
    fc.tuple(...names.map((name) => fc.tuple(encoded(name), tail, separator)), separator).map((parts) => {
      // The last member is the separator behind the decoys; the others are the names with what follows them.
      const between = parts[names.length] as string;
      const words = parts.slice(0, names.length) as unknown as [string, string, string][];
      const before = decoys.map(([name, slash, dots]) => `${name}${slash}${dots}${between}`).join('');
      const path = words
        .map(([name, after, slash], index) => `${name}${after}${index === words.length - 1 ? '' : slash}`)
        .join('');
      return first + before + path + last;
    }),
  );

describe('no spelling of a protected path reaches a public rule', () => {
  it('for any server that may stand behind', () => {
    const reached = Object.fromEntries(Object.keys(SERVERS).map((name) => [name, 0]));
    let dangerous = 0;
    let allowed = 0;
    fc.assert(
      fc.property(spelling, fc.nat({ max: POLICIES.length - 1 }), (text, index) => {
        const policy = POLICIES[index];
        const gate = gates[index];
        if (policy === undefined || gate === undefined) throw new RangeError('no such policy');
        const servers = Object.keys(SERVERS).filter((name) => {
          const path = SERVERS[name]?.(text) ?? null;
          return path !== null && policy.isProtected(path);
        });
        for (const name of servers) reached[name] = (reached[name] ?? 0) + 1;
        if (servers.length > 0) dangerous += 1;
        const target = targetFromParts('https', 'app.example.com', text, 'GET');
        if (!isTarget(target)) return;
        const decision = decide(
          gate,
          accessRequest(target, new WireHeaderFields([]), () => null),
        );
        if (!('effect' in decision) || decision.effect !== 'allow') return;
        allowed += 1;
        expect(servers, `${text} with the policy “${policy.name}”`).toEqual([]);
      }),
      { numRuns: 22_000, seed: SEED },
    );
    // Otherwise the above says nothing.
    expect(dangerous).toBeGreaterThan(8_000);
    expect(allowed).toBeGreaterThan(1_000);
    for (const [name, count] of Object.entries(reached)) expect(count, name).toBeGreaterThan(1_000);
  });
});
