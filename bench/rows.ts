import { type Check, checkRequest } from './requests.ts';
import { storeRevocations } from './revocations.ts';
import type { Credentials, StandOptions } from './stand.ts';

/** One kind of check that is measured. */
export interface Row {
  readonly name: string;
  readonly what: string;
  /** Least share of the bare server's rate or CPU time that is aimed at; null where nothing was promised. */
  readonly target: number | null;
  readonly status: number;
  readonly request: (credentials: Credentials) => Buffer;
  /** What its own gatelodge is started with; without it, it asks the one of all rows. */
  readonly own?: Pick<StandOptions, 'settings' | 'fill'>;
}

const HOST = 'app.example.com';

/** A browser's page with a session, as most checks are. */
export function pageCheck(credential: Check['credential']): Check {
  return { host: HOST, target: '/orders/4711?tab=items', client: 'browser', credential };
}

function tokenCheck({ token }: Credentials): Buffer {
  return checkRequest({ host: HOST, target: '/orders/4711?tab=items', client: 'program', credential: token });
}

export const ROWS: readonly Row[] = [
  {
    name: 'session',
    what: 'live session, by cookie',
    target: 0.85,
    status: 200,
    request: ({ session }) => checkRequest(pageCheck(session)),
  },
  {
    name: 'session-identity-jwt',
    what: 'live session; the answer carries an identity JWT (RS512), twice, signed every four minutes',
    target: 0.8,
    status: 200,
    request: ({ session }) => checkRequest(pageCheck(session)),
    own: { settings: 'identity_jwt: {enabled: true, algorithm: RS512}' },
  },
  {
    name: 'session-pattern',
    what: 'live session, where the rule is a regular expression and another one comes before it',
    target: null,
    status: 200,
    request: ({ session }) =>
      checkRequest({ host: HOST, target: '/api/v1/orders/4711', client: 'browser', credential: session }),
  },
  {
    name: 'jwt',
    what: 'foreign JWT, seen before; the rule asks its plugin alone',
    target: 0.8,
    status: 200,
    request: ({ jwt }) =>
      checkRequest({ host: HOST, target: '/mobile/alone/orders', client: 'program', credential: jwt }),
  },
  {
    name: 'jwt-last',
    what: 'foreign JWT, seen before; session, token and apikey are asked first',
    target: null,
    status: 200,
    request: ({ jwt }) => checkRequest({ host: HOST, target: '/mobile/orders', client: 'program', credential: jwt }),
  },
  {
    name: 'token',
    what: 'access token of gatelodge’s own, seen before',
    target: null,
    status: 200,
    request: tokenCheck,
  },
  {
    name: 'token-encrypted',
    what: 'access token of gatelodge’s own, encrypted, seen before',
    target: 0.8,
    status: 200,
    request: tokenCheck,
    own: { settings: 'tokens: {format: encrypted}' },
  },
  {
    name: 'token-revocations',
    what: 'access token of gatelodge’s own, seen before, while 100,000 others are revoked',
    target: null,
    status: 200,
    request: tokenCheck,
    own: { fill: (database) => storeRevocations(database, 100_000) },
  },
  {
    name: 'rate-limited',
    what: 'live session, where the rule has a limit by user',
    target: 0.8,
    status: 200,
    request: ({ session }) =>
      checkRequest({ host: HOST, target: '/limited/orders', client: 'browser', credential: session }),
  },
  {
    name: 'apikey',
    what: 'API key in X-API-Key',
    target: 0.8,
    status: 200,
    request: ({ apiKey }) =>
      checkRequest({ host: HOST, target: '/orders/4711?tab=items', client: 'program', credential: apiKey }),
  },
  {
    name: 'apikey-bearer',
    what: 'API key in Authorization: Bearer; the token plugin is asked first',
    target: 0.8,
    status: 200,
    request: ({ apiKeyAsBearer }) =>
      checkRequest({ host: HOST, target: '/orders/4711?tab=items', client: 'program', credential: apiKeyAsBearer }),
  },
  {
    name: 'basic',
    what: 'Basic, password seen in the last minute',
    target: null,
    status: 200,
    request: ({ basic }) => checkRequest({ host: HOST, target: '/reports/2026', client: 'program', credential: basic }),
  },
  {
    name: 'public',
    what: 'path with authenticate: false',
    target: 0.85,
    status: 200,
    request: () => checkRequest({ host: HOST, target: '/public/logo.svg', client: 'browser', credential: {} }),
  },
  {
    name: 'refusal',
    what: 'nobody, a browser’s navigation: 401 with the login URL, and a line in the log',
    target: 0.85,
    status: 401,
    request: () => checkRequest(pageCheck({})),
  },
];
