import { join } from 'node:path';
import { generateRsaKey, type RsaKey } from '../../../src/adapters/rsa-jwt.ts';
import { jwthenticatorEndpoints } from '../../../src/compat/jwthenticator/endpoints.ts';
import { configurationSchema } from '../../../src/config/schema.ts';
import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { JwthenticatorStore } from '../../../src/domain/jwthenticator.ts';
import type { Store } from '../../../src/domain/store.ts';
import { createJwthenticator, type Jwthenticator } from '../../../src/flows/jwthenticator.ts';
import { openJwthenticatorHashes } from '../../../src/flows/jwthenticator-secrets.ts';
import { createJwthenticatorTokens } from '../../../src/flows/jwthenticator-tokens.ts';
import { createLoginLimits } from '../../../src/flows/login-limits.ts';
import { createInternalApp } from '../../../src/http/internal.ts';
import type { PublicBindings } from '../../../src/http/public-parts.ts';
import { createAttemptsInMemory } from '../../../src/stores/attempts-in-memory.ts';
import { openSqliteStore } from '../../../src/stores/sqlite.ts';
import { tempDir } from '../../support/temp-dir.ts';

export const SECRET = 'a secret of more than thirty-two bytes, for tests';
export const NIL = '00000000-0000-0000-0000-000000000000';
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Making one takes a tenth of a second. */
export const RSA_KEY: RsaKey = await generateRsaKey();

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a granting answer. */
  readonly granted: { readonly jwt: string; readonly refresh_token: string };
}

/** The mount with everything real behind it except time. */
export interface Stand {
  now: number;
  readonly file: string;
  readonly store: Store;
  readonly jwthenticator: Jwthenticator;
  readonly events: AuditEvent[];
  readonly failures: unknown[];
  post(call: string, body: unknown, bindings?: Partial<PublicBindings>): Promise<Answer>;
  request(call: string, init?: RequestInit, bindings?: Partial<PublicBindings>): Promise<Answer>;
  register(key: string): Promise<void>;
  authenticate(key: string): Promise<Answer['granted']>;
  close(): Promise<void>;
}

export interface StandOptions {
  readonly key?: RsaKey;
  readonly audience?: readonly string[];
  readonly attempts?: number;
  /** Between the store and the calls. */
  readonly store?: (real: JwthenticatorStore) => JwthenticatorStore;
}

export async function openStand(options: StandOptions = {}): Promise<Stand> {
  const directory = await tempDir();
  const file = join(directory.path, 'data.sqlite');
  const clock = () => stand.now;
  const store = await openSqliteStore({ file, clock });
  const events: AuditEvent[] = [];
  const failures: unknown[] = [];
  const audit = (event: AuditEvent) => void events.push(event);
  const { login_limits: limits } = configurationSchema.parse({
    login_limits: { address: { attempts: options.attempts ?? 100 } },
  });
  const kept = options.store?.(store.jwthenticator) ?? store.jwthenticator;
  const jwthenticator = createJwthenticator({
    store: kept,
    hashes: await openJwthenticatorHashes(store.jwthenticator, [SECRET]),
    tokens: createJwthenticatorTokens({
      ...{ key: options.key ?? RSA_KEY, lifetime: 25 * HOUR, audience: options.audience ?? [], clock },
    }),
    ...{ keyLifetime: 120 * DAY, refreshLifetime: 60 * DAY, clock, audit },
    countGuess: createLoginLimits({ limits, attempts: createAttemptsInMemory(clock), audit }).countGuess,
  });
  const { external, internal, general } = jwthenticatorEndpoints('/jwthenticator', jwthenticator);
  const app = createInternalApp({
    base: '/gate',
    endpoints: [...external, ...internal, ...general],
    reportFailure: (error) => failures.push(error),
  });

  async function request(call: string, init?: RequestInit, bindings: Partial<PublicBindings> = {}): Promise<Answer> {
    const url = `https://auth.example.com/gate/jwthenticator${call}`;
    const env = { clientAddress: '192.0.2.1', internal: true, ...bindings };
    const response = await app.fetch(new Request(url, init), env);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      get granted() {
        return JSON.parse(text);
      },
    };
  }
  const post: Stand['post'] = (call, body, bindings) =>
    request(`/${call}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }, bindings);

  const stand: Stand = {
    now: Date.UTC(2026, 0, 1),
    ...{ file, store, jwthenticator, events, failures, request, post },
    async register(key) {
      await jwthenticator.registerKey(key, NIL, null);
    },
    authenticate: async (key) => (await post('authenticate', { key, identifier: NIL })).granted,
    async close() {
      await store.close();
      await directory.remove();
    },
  };
  return stand;
}
