import {
  type BasicOptions,
  type BuiltInType,
  isBuiltIn,
  type JwtOptions,
  type OidcOptions,
} from '../config/plugin-options.ts';
import type { PluginInstance } from '../domain/authentication.ts';
import { GatelodgeError } from '../domain/errors.ts';
import type { MaybePromise } from '../domain/maybe-promise.ts';
import { createApiKeyPlugin } from './apikey.ts';
import { createBasicPlugin } from './basic.ts';
import type { BuiltInContext } from './built-in.ts';
import { DEFAULT_DEADLINE, guardPlugin } from './guard.ts';
import { createJwtPlugin } from './jwt.ts';
import { createReservedOidcPlugin } from './oidc.ts';
import type { AuthenticationPlugin, PluginContext, PluginDefinition } from './plugin-api.ts';
import { createSessionPlugin } from './session.ts';
import { createTokenPlugin } from './token.ts';

/** How each built-in type is made. The options were checked by the configuration's schema, which the casts rely on. */
const BUILT_IN: Readonly<
  Record<BuiltInType, (options: unknown, context: BuiltInContext) => MaybePromise<AuthenticationPlugin>>
> = {
  session: (_options, context) => createSessionPlugin(context),
  basic: (options, context) => createBasicPlugin(options as BasicOptions, context),
  token: (_options, context) => createTokenPlugin(context),
  apikey: (_options, context) => createApiKeyPlugin(context),
  jwt: (options, context) => createJwtPlugin(options as JwtOptions, context),
  oidc: (options, context) => createReservedOidcPlugin(options as OidcOptions, context),
};

/** One configured instance. `definition` is null for a built-in type. */
export interface InstanceToCreate {
  readonly instance: string;
  readonly type: string;
  readonly options: unknown;
  readonly definition: PluginDefinition | null;
}

/** Makes the plugin of one configured instance; other people's behind the guard. */
export async function createPluginInstance(
  instance: InstanceToCreate,
  context: BuiltInContext,
): Promise<PluginInstance> {
  const { definition, options, type } = instance;
  if (definition !== null) {
    // Only what the public API promises: other people's code gets neither the directory nor the sessions.
    const { instance: name, clock, log } = context;
    const publicContext = { instance: name, clock, log };
    const plugin = await createForeign(definition, options, publicContext);
    return { name, plugin: guardPlugin(plugin, definition.deadline ?? DEFAULT_DEADLINE, publicContext) };
  }
  if (!isBuiltIn(type)) throw new RangeError(`no plugin type is named ${type}`);
  return { name: instance.instance, plugin: await BUILT_IN[type](options, context) };
}

/** @throws GatelodgeError `plugin-failed`; what the plugin says itself may quote its options, and stays in `cause` */
async function createForeign(
  definition: PluginDefinition,
  options: unknown,
  context: PluginContext,
): Promise<AuthenticationPlugin> {
  let plugin: unknown;
  try {
    plugin = await definition.create(options, context);
  } catch (cause) {
    throw new GatelodgeError('plugin-failed', `the plugin instance ${context.instance} cannot be made`, { cause });
  }
  if (
    typeof plugin === 'object' &&
    plugin !== null &&
    'authenticate' in plugin &&
    typeof plugin.authenticate === 'function'
  ) {
    // Somebody else's code: whatever else it has is looked at by the guard.
    return plugin as AuthenticationPlugin;
  }
  throw new GatelodgeError('plugin-failed', `the plugin instance ${context.instance} cannot authenticate`);
}
