import { configurationSchema } from '../../src/config/schema.ts';
import { buildGate, type Gate } from '../../src/decision/access.ts';
import { decide } from '../../src/decision/decide.ts';
import type { AccessRequest } from '../../src/domain/access-request.ts';
import type { AuthenticationPlugin, AuthenticationResult, PluginInstance } from '../../src/domain/authentication.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { Decision } from '../../src/domain/decision.ts';
import type { Identity } from '../../src/domain/identity.ts';
import type { MaybePromise } from '../../src/domain/maybe-promise.ts';
import type { MakeRateLimit } from '../../src/domain/rate-limit.ts';
import { WireHeaderFields } from '../../src/http/header-fields.ts';
import { accessRequest, isTarget, targetFromUrl } from '../../src/http/target.ts';
import { makeIdentity } from '../../src/plugins/plugin-api.ts';

export interface Asked {
  readonly method?: string;
  /** Names and values in turn, as on the wire. */
  readonly headers?: readonly string[];
  readonly address?: string | null;
}

/** A request for an absolute URL, or for a path on app.example.com. @throws where no front server could tell of such a target */
export function asked(url: string, { method = 'GET', headers = [], address = '192.0.2.7' }: Asked = {}): AccessRequest {
  const absolute = url.startsWith('/') ? `https://app.example.com${url}` : url;
  const target = targetFromUrl(absolute, method);
  if (!isTarget(target)) throw new Error(`${absolute} is ${target}`);
  return accessRequest(target, new WireHeaderFields(headers), () => address);
}

export interface GateOptions {
  readonly paths?: readonly Record<string, unknown>[];
  readonly auth?: Record<string, unknown>;
  readonly rateLimits?: Record<string, unknown>;
  readonly makeRateLimit?: MakeRateLimit;
  readonly plugins?: readonly PluginInstance[];
  readonly publicUrl?: string;
  readonly clock?: Clock;
}

/** A gate with the rules as they would stand in the file; its defaults are the schema's. */
export function gateOf({
  paths = [],
  auth = {},
  rateLimits = {},
  makeRateLimit,
  plugins = [],
  publicUrl = 'https://auth.example.com',
  clock,
}: GateOptions): Gate {
  return buildGate({
    configuration: configurationSchema.parse({ paths, auth, rate_limits: rateLimits }),
    plugins: new Map(plugins.map((instance) => [instance.name, instance])),
    publicUrl: new URL(publicUrl),
    ...(clock === undefined ? {} : { clock }),
    ...(makeRateLimit === undefined ? {} : { makeRateLimit }),
  });
}

/** The decision in short: `allow 1`, `deny deny-rule 2`. */
export async function decided(gate: Gate, request: AccessRequest): Promise<string> {
  return inShort(await decide(gate, request));
}

export function inShort(decision: Decision): string {
  return decision.effect === 'allow'
    ? `allow ${decision.rule}`
    : `${decision.effect} ${decision.reason} ${decision.rule}`;
}

export function identity(fields: Partial<Identity> = {}): Identity {
  return makeIdentity({ subject: 'usr_1', username: 'alice', methods: ['test'], userId: 'usr_1', ...fields });
}

export function good(fields: Partial<Identity> = {}): AuthenticationResult {
  return { kind: 'authenticated', identity: identity(fields) };
}

/** A plugin that always answers the same, and counts how often it was asked. */
export function plugin(
  name: string,
  answer: MaybePromise<AuthenticationResult> | ((request: AccessRequest) => MaybePromise<AuthenticationResult>),
  more: Partial<AuthenticationPlugin> = {},
): PluginInstance & { readonly asked: () => number } {
  let count = 0;
  return {
    name,
    asked: () => count,
    plugin: {
      ...more,
      authenticate(request) {
        count += 1;
        return typeof answer === 'function' ? answer(request) : answer;
      },
    },
  };
}
