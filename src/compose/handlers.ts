import { getRequestListener } from '@hono/node-server';
import { readLogo } from '../config/logo.ts';
import type { Configuration } from '../config/schema.ts';
import { failureDetail, GatelodgeError } from '../domain/errors.ts';
import type { Identity } from '../domain/identity.ts';
import { networkSet } from '../domain/network.ts';
import { createApiKeys } from '../flows/api-keys.ts';
import { createIdentityTokens, type IdentityTokens } from '../flows/identity-tokens.ts';
import { tokenStatistics } from '../flows/token-statistics.ts';
import { createDecisionEndpoint } from '../http/decision-endpoint.ts';
import { recordDecisions } from '../http/decision-log.ts';
import { isDirectCall, isFromPage } from '../http/direct-caller.ts';
import { WireHeaderFields } from '../http/header-fields.ts';
import { compileIdentityHeaders } from '../http/identity-headers.ts';
import { createInternalApp } from '../http/internal.ts';
import type { Handlers } from '../http/listener.ts';
import { createClientAddresses, createPeers, type Peer } from '../http/peer.ts';
import { createPublicApp } from '../http/public.ts';
import type { PublicBindings } from '../http/public-parts.ts';
import { createRefusals } from '../http/refusals.ts';
import { createRenderer } from '../http/render.ts';
import { makeIdentity } from '../plugins/plugin-api.ts';
import type { Core } from './core.ts';
import type { Decider } from './decider.ts';
import type { Mounts } from './mounts.ts';

/** What answers requests, from the core, the decider and what is mounted. */
export function createHandlers(core: Core, decider: Decider, publicUrl: URL, mounts: Mounts): Handlers {
  const { configuration, log, clock, secret, sessions, signingKeys, identityKeys, store, measurements } = core;
  const { plugins, gate, login, tokens, grants, issuedTokens, callers } = decider;
  const trusted = networkSet(configuration.trusted_proxies);
  const clientAddressOf = createClientAddresses(trusted);
  const reportFailure = (error: unknown) => log.write('error', 'request.failed', failureDetail(error));
  const base = publicUrl.href.replace(/\/$/, '');
  const identityHeaders = compileIdentityHeaders(
    configuration.identity_headers,
    [...plugins.values()].map(({ plugin }) => plugin.identityHeaders ?? {}),
  );
  const { user: nobody, roles } = configuration.anonymous;
  const anonymous =
    nobody === '' && roles.length === 0 ? null : makeIdentity({ subject: '', username: nobody, roles, methods: [] });
  const identityTokens = identityTokensOf(core, base, anonymous);
  const app = createPublicApp({
    configuration: { ...configuration, public_url: base },
    ...{ secret, login, sessions, tokens, grants, issuedTokens, clock, callers },
    tokenStatistics: () => tokenStatistics(store.refreshTokens, core.directory, clock()),
    countGuess: core.loginLimits.countGuess,
    apiKeys: createApiKeys({ store: store.apiKeys, clock }),
    directory: core.directory,
    signingKeys: {
      publicJwks: () => ({
        keys: [signingKeys, identityKeys].flatMap((keys) => keys?.publicJwks().keys ?? []),
      }),
    },
    logo: logoOf(configuration),
    pluginPaths: [...plugins.values()].flatMap(({ plugin }) => plugin.paths ?? []),
    mounted: mounts.public,
    audit: log.audit,
    reportFailure,
  });
  const internalApp =
    mounts.internal.length === 0
      ? null
      : createInternalApp({ base: publicUrl.pathname.replace(/\/+$/, ''), endpoints: mounts.internal, reportFailure });
  const answerWith = (hono: typeof app, bindings: PublicBindings, requestId: string) =>
    getRequestListener(
      async (request) => {
        const response = await hono.fetch(request, bindings);
        response.headers.set('X-Request-Id', requestId);
        return response;
      },
      { overrideGlobalObjects: false },
    );
  return {
    peerOf: createPeers(trusted),
    decisions: createDecisionEndpoint({
      gate,
      frontServer: configuration.front_server,
      publicScheme: publicUrl.protocol === 'http:' ? 'http' : 'https',
      clientAddressOf,
      render: createRenderer({
        ...{ identityHeaders, anonymous, loginUrl: `${base}/login` },
        refusals: createRefusals({
          name: configuration.branding.name,
          publicUrl: base,
          login: [...plugins.values()].some(({ plugin }) => plugin.login === true),
        }),
      }),
      onDecision: recordDecisions(log),
      ...(identityTokens === null ? {} : { identityTokens }),
      countGuess: core.loginLimits.countGuess,
      ...(measurements === undefined ? {} : { measure: measurements.countDecision }),
    }),
    publicPart(message, response, peer: Peer, requestId) {
      const fields = new WireHeaderFields(message.rawHeaders);
      const { rawHeaders, httpVersion, url = '/' } = message;
      const internal = isDirectCall({ peer, headers: fields, rawHeaders, httpVersion });
      const bindings = { clientAddress: clientAddressOf(peer, fields), target: url, fields, internal };
      log.withRequestId(requestId, () => void answerWith(app, bindings, requestId)(message, response));
    },
    ...(internalApp === null
      ? {}
      : {
          internalPart(message, response, peer, requestId) {
            const fields = new WireHeaderFields(message.rawHeaders);
            const bindings = {
              clientAddress: peer.address,
              target: message.url ?? '/',
              fields,
              internal: !isFromPage(fields),
            };
            log.withRequestId(requestId, () => void answerWith(internalApp, bindings, requestId)(message, response));
          },
        }),
    async missing() {
      try {
        await store.ping();
        return [];
      } catch {
        return ['storage'];
      }
    },
  };
}

/** null where they are off. @param base the default of their issuer */
function identityTokensOf(core: Core, base: string, anonymous: Identity | null): IdentityTokens | null {
  const { identityKeys: keys, log, clock } = core;
  const { identity_jwt: configuration } = core.configuration;
  if (keys === null) return null;
  return createIdentityTokens({
    ...{ configuration, keys, anonymous, clock },
    issuer: configuration.issuer ?? base,
    onLarge: (length) => log.write('warn', 'identity-jwt.large', { length, message: LARGE_TOKEN }),
  });
}

const LARGE_TOKEN =
  'applications with default limits may refuse a request that carries it twice: somebody has many roles';

/** Read once, at the start. @throws GatelodgeError `configuration-invalid` where the file has changed since it was checked */
function logoOf({ branding }: Configuration): string | null {
  if (branding.logo === undefined) return null;
  const { dataUrl, why } = readLogo(branding.logo);
  if (dataUrl === null) throw new GatelodgeError('configuration-invalid', `the logo cannot be used (${why})`);
  return dataUrl;
}
