import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readRequest } from '../../src/cli/request-url.ts';
import type { Authentication } from '../../src/decision/authenticate.ts';
import { decide } from '../../src/decision/decide.ts';
import {
  CREDENTIALS_REJECTED,
  type PluginInstance,
  SESSION_EXPIRED,
  USER_LOCKED,
} from '../../src/domain/authentication.ts';
import { COMMAND } from '../../src/domain/key-reach.ts';
import type { User } from '../../src/domain/user.ts';
import { createApiKeys } from '../../src/flows/api-keys.ts';
import { explain } from '../../src/flows/explain.ts';
import { WireHeaderFields } from '../../src/http/header-fields.ts';
import { readNginxTarget } from '../../src/http/profiles/nginx.ts';
import { accessRequest, isTarget } from '../../src/http/target.ts';
import { createApiKeyPlugin } from '../../src/plugins/apikey.ts';
import { makeIdentity } from '../../src/plugins/plugin-api.ts';
import { createSessionPlugin } from '../../src/plugins/session.ts';
import { type PluginStand, pluginStand } from '../plugins/plugin-stand.ts';
import { gateOf } from './asking.ts';
import { asking, matching, requiring } from './random-policy.ts';

/** Somebody as they ask live, and as `explain` is told of them. */
interface Person {
  readonly headers: readonly string[];
  readonly assumed: Authentication;
}

let stand: PluginStand;
let plugins: readonly PluginInstance[];
const people: Person[] = [];

beforeAll(async () => {
  stand = await pluginStand();
  const keys = createApiKeys({ store: stand.store.apiKeys, clock: stand.now });
  // Each instance takes both kinds of credential, so that whom `explain` assumes is found by whichever plugin a rule names.
  plugins = ['one', 'two'].map((name) => {
    const [session, key] = [createSessionPlugin(stand.context(name)), createApiKeyPlugin(stand.context(name))];
    return {
      name,
      plugin: {
        authenticate: (request) => (request.headers.get('cookie') === undefined ? key : session).authenticate(request),
      },
    };
  });
  const found = (user: User, scopes: readonly string[] | null): Authentication => {
    const { id, username, roles, groups } = user;
    const authenticatedAt = scopes === null ? stand.now() : null;
    return {
      kind: 'identified',
      identity: makeIdentity({
        subject: id,
        userId: id,
        username,
        roles,
        groups,
        scopes,
        authenticatedAt,
        methods: [],
      }),
    };
  };
  const withCookie = async (user: User) => [
    'cookie',
    `gatelodge=${(await stand.sessions.start(user, { remember: true })).cookieValue}`,
  ];
  for (const [username, roles, groups] of [
    ['alice', ['admin'], []],
    ['bob', ['ops', 'x'], ['staff']],
    ['carol', [], ['staff']],
  ] as const) {
    const user = await stand.addUser(username, { roles, groups });
    people.push({ headers: await withCookie(user), assumed: found(user, null) });
    for (const scopes of [[], ['read'], ['write', 'x']]) {
      const { text } = await keys.create(user, { name: 'k', scopes, expiresAt: null }, COMMAND);
      people.push({ headers: ['x-api-key', text], assumed: found(user, scopes) });
    }
  }
  const locked = await stand.addUser('locked');
  people.push({ headers: await withCookie(locked), assumed: { kind: 'rejected', rejection: USER_LOCKED } });
  await stand.store.users.setLocked(locked.id, true, stand.now());
  people.push({ headers: ['cookie', 'gatelodge=old'], assumed: { kind: 'rejected', rejection: SESSION_EXPIRED } });
  people.push({
    headers: ['authorization', 'Bearer glk_bad'],
    assumed: { kind: 'rejected', rejection: CREDENTIALS_REJECTED },
  });
  people.push({ headers: [], assumed: { kind: 'nobody' } });
  stand.advance(60_000);
});
afterAll(() => stand.close());

const rule = fc.tuple(matching, requiring).map(([match, required]) => ({ ...match, ...required }));
const policy = fc.record({
  paths: fc.array(rule, { minLength: 1, maxLength: 8 }),
  auth: fc.record({
    default_behavior: fc.constantFrom('authenticated', 'unauthenticated', 'deny'),
    default_mode: fc.constantFrom('any', 'all'),
  }),
});
const own = fc.constantFrom(
  'https://auth.example.com/login',
  'https://auth.example.com/x/../login',
  'https://auth.example.com/login?rd=1',
);
const asked = fc.record({
  what: asking,
  url: fc.option(own, { freq: 30 }),
  person: fc.nat(),
  twice: fc.boolean().chain((odd) => (odd ? fc.boolean() : fc.constant(false))),
});

it('explain says of 10,000 random requests what the live code decides', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(policy, fc.array(asked, { minLength: 12, maxLength: 12 }), async (configuration, requests) => {
      const login = {
        name: 'login',
        plugin: { login: true, authenticate: () => ({ kind: 'not-responsible' }) as const },
      };
      // Two gates of one configuration, because limits count.
      const [live, explaining] = [0, 1].map(() =>
        gateOf({
          ...configuration,
          auth: { ...configuration.auth, default_plugins: ['one', 'two'] },
          plugins: [...plugins, login],
          clock: stand.now,
        }),
      );
      if (live === undefined || explaining === undefined) throw new RangeError('two gates');
      for (const { what, url, person: number, twice } of requests) {
        const target = url ?? what.url;
        const person = people[number % people.length];
        if (person === undefined) throw new RangeError('nobody');
        const headers = [...what.headers, ...(twice ? ['x-api-key', 'a', 'x-api-key', 'b'] : [])];

        const fields = new WireHeaderFields([
          'x-original-url',
          target,
          'x-original-method',
          what.method,
          ...headers,
          ...person.headers,
        ]);
        const reading = readNginxTarget(fields);
        if (!isTarget(reading)) throw new RangeError(`${target} is ${reading}`);
        const decision = await decide(
          live,
          accessRequest(reading, fields, () => what.address),
        );

        const asRead = readRequest({
          url: target,
          method: what.method,
          ip: what.address,
          origin: 'https://auth.example.com',
        });
        if (asRead === null) throw new RangeError(`${target} is no URL`);
        // The command takes each header once; here they are as they came.
        const explanation = await explain(
          explaining,
          { ...asRead, headers: new WireHeaderFields(headers) },
          person.assumed,
        );

        const expected = {
          decision: decision.effect,
          reason: decision.effect === 'allow' ? null : decision.reason,
          rule: decision.rule || null,
        };
        const { decision: effect, reason, rule: ruleNumber } = explanation;
        expect(
          { decision: effect, reason, rule: ruleNumber },
          `${what.method} ${target} by ${person.headers.join(' ')}`,
        ).toEqual(expected);
        const kind = `${expected.decision} ${expected.reason ?? ''}`;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 900, seed: 20261122 },
  );
  // Otherwise the above says nothing.
  const kinds = [
    'allow ',
    'challenge no-credentials',
    'challenge credentials-rejected',
    'challenge session-expired',
    'challenge user-locked',
    'challenge mfa-required',
    'challenge reauth-required',
    'deny role-missing',
    'deny user-not-allowed',
    'deny scope-missing',
    'deny permission-missing',
    'deny deny-rule',
    'deny no-rule',
    'deny ambiguous-path',
    'deny malformed-request',
    'limited rate-limited',
  ];
  for (const kind of kinds) expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(5);
});
