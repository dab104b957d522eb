import { readRsaKey } from '../adapters/rsa-jwt.ts';
import { jwthenticatorEndpoints } from '../compat/jwthenticator/endpoints.ts';
import { createJwthenticator } from '../flows/jwthenticator.ts';
import { openGeneratedRsaKey, openJwthenticatorHashes } from '../flows/jwthenticator-secrets.ts';
import { createJwthenticatorTokens } from '../flows/jwthenticator-tokens.ts';
import type { Endpoint } from '../http/public-parts.ts';
import type { Core } from './core.ts';

/** Calls of other systems, below the base path. */
export interface Mounts {
  readonly public: readonly Endpoint[];
  /** For a listener of their own. */
  readonly internal: readonly Endpoint[];
}

/** Opens what `compat` asks for. @throws GatelodgeError `configuration-invalid`, `store-unavailable` */
export async function openMounts(core: Core): Promise<Mounts> {
  const { jwthenticator: settings } = core.configuration.compat;
  if (settings === undefined) return { public: [], internal: [] };
  const { clock, configuration } = core;
  const secrets = [core.secret, ...configuration.previous_secrets] as const;
  const store = core.store.jwthenticator;
  const key =
    settings.private_key === undefined ? await openGeneratedRsaKey(store, secrets) : readRsaKey(settings.private_key);
  const audience = [settings.audience ?? []].flat();
  const { external, internal, general } = jwthenticatorEndpoints(
    settings.path,
    createJwthenticator({
      ...{ store, clock, audit: core.log.audit, countGuess: core.loginLimits.countGuess },
      hashes: await openJwthenticatorHashes(store, secrets),
      tokens: createJwthenticatorTokens({ key, lifetime: settings.jwt_lifetime, audience, clock }),
      ...{ keyLifetime: settings.key_lifetime, refreshLifetime: settings.refresh_lifetime },
    }),
  );
  return settings.internal === 'listener'
    ? { public: [...external, ...general], internal: [...internal, ...general] }
    : { public: [...external, ...general, ...internal], internal: [] };
}
