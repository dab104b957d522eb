import type { OidcOptions } from '../config/plugin-options.ts';
import { type AuthenticationPlugin, NOT_RESPONSIBLE, type PluginContext } from './plugin-api.ts';

/**
 * Reserves an OpenID Connect instance and its callback path, so that a configuration written for it loads and every rule
 * that names it refuses. It lets nobody in: the login itself comes with a later version, and the start says so.
 */
export function createReservedOidcPlugin(options: OidcOptions, { instance }: PluginContext): AuthenticationPlugin {
  const path = options.callback_path ?? `/${instance}/callback`;
  return {
    authenticate: () => NOT_RESPONSIBLE,
    paths: [
      {
        path,
        methods: ['GET'],
        description: `OpenID Connect callback of ${instance}`,
        handle: () =>
          Response.json(
            { error: 'not-in-this-version', message: 'OpenID Connect login is not in this version' },
            { status: 501 },
          ),
      },
    ],
  };
}
