import { createPasswords } from '../adapters/passwords.ts';
import type { PluginInstanceConfiguration } from '../config/plugin-instances.ts';
import { publicUrlOf } from '../config/public-url.ts';
import type { Configuration } from '../config/schema.ts';
import { buildGate, type Gate } from '../decision/access.ts';
import type { PluginInstance } from '../domain/authentication.ts';
import type { Clock } from '../domain/clock.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { LiveRecords } from '../domain/live.ts';
import { sessionCookieName } from '../http/cookies.ts';
import type { BuiltInContext } from '../plugins/built-in.ts';
import { createPluginInstance } from '../plugins/registry.ts';

export interface OpenGate {
  readonly gate: Gate;
  /** Where a bare path is taken to be: scheme, host and port. */
  readonly origin: string;
  close(): Promise<void>;
}

/** A plugin that cannot be made: the start would fail in the same place. */
export class PluginNotMade extends GatelodgeError {
  readonly instance: string;

  constructor(instance: string, cause: unknown) {
    // The cause's own message may quote an option, and options hold secrets.
    const kind = cause instanceof Error ? cause.name : 'it threw no error';
    super('plugin-failed', `the plugin instance ${instance} cannot be made (${kind})`, { cause });
    this.instance = instance;
  }
}

/**
 * The gate of a configuration without any data behind it: the rules and the plugins are those of the service, and nothing
 * is read from the store or written anywhere. It decides about assumed identities, so no credential is ever looked up.
 * @throws PluginNotMade
 */
export async function openGate(
  configuration: Configuration,
  instances: readonly PluginInstanceConfiguration[],
  clock: Clock,
): Promise<OpenGate> {
  const publicUrl = publicUrlOf(configuration);
  const plugins = new Map<string, PluginInstance>();
  const close = async () => {
    for (const { plugin } of plugins.values()) await plugin.close?.();
  };
  for (const instance of instances) {
    try {
      plugins.set(instance.instance, await createPluginInstance(instance, withoutData(configuration, instance, clock)));
    } catch (error) {
      await close();
      throw new PluginNotMade(instance.instance, error);
    }
  }
  return { gate: buildGate({ configuration, plugins, publicUrl, clock }), origin: publicUrl.origin, close };
}

function withoutData(
  configuration: Configuration,
  { instance }: PluginInstanceConfiguration,
  clock: Clock,
): BuiltInContext {
  return {
    instance,
    clock,
    log: () => {},
    directory: { byId: () => null, byUsername: () => null },
    sessions: noRecords(),
    apiKeys: noRecords(),
    passwords: createPasswords(configuration.hashing),
    login: async () => ({ kind: 'refused' }),
    beginLogin: async () => ({ kind: 'limited', retryAfter: 1 }),
    issuedHere: () => false,
    verifyAccessToken: async () => null,
    isRevoked: () => true,
    cookieName: sessionCookieName(configuration),
    replaceOwnHash: async () => {},
  };
}

function noRecords<T>(): LiveRecords<T> {
  return { find: () => null, get: () => undefined, set() {}, used() {}, forget() {}, flush: async () => {}, size: 0 };
}
