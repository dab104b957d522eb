import { Hono } from 'hono';
import { GatelodgeError } from '../domain/errors.ts';
import type { PluginPath } from '../plugins/plugin-api.ts';
import { createCsrf } from './csrf.ts';
import { createDeviceCookie } from './device-cookie.ts';
import { forbiddenEndpoints } from './forbidden.ts';
import { loginEndpoints } from './login.ts';
import { logoutEndpoints } from './logout.ts';
import { csrfTokenEndpoints } from './management/csrf-token.ts';
import { keyEndpoints } from './management/keys.ts';
import { problemPage } from './pages/refusal-pages.ts';
import { HttpProblem, problemOf } from './problems.ts';
import type { Endpoint, PublicBindings, PublicContext, PublicDependencies, PublicParts } from './public-parts.ts';
import { createSafeRedirect } from './redirects.ts';
import { createResponder, withCommonHeaders } from './responses.ts';
import { tokenEndpoints } from './token-api.ts';
import { userinfoEndpoints } from './userinfo.ts';

/**
 * Pages for browsers and calls for programs, below the path of `public_url`.
 * @throws GatelodgeError `configuration-invalid` where a plugin's path is taken
 */
export function createPublicApp(dependencies: PublicDependencies): Hono<{ Bindings: PublicBindings }> {
  const { configuration, secret } = dependencies;
  const base = new URL(configuration.public_url).pathname.replace(/\/+$/, '');
  const parts: PublicParts = {
    ...dependencies,
    base,
    site: { base, name: configuration.branding.name, logo: dependencies.logo ?? null },
    csrf: createCsrf(configuration, secret),
    device: createDeviceCookie(configuration, secret, dependencies.clock),
    safeRedirect: createSafeRedirect({
      publicUrl: configuration.public_url,
      allowedRedirects: configuration.allowed_redirects,
    }),
    respond: createResponder(configuration.allowed_redirects),
  };
  const methodsByPath = compileEndpoints(parts);

  const app = new Hono<{ Bindings: PublicBindings }>();
  // One look into a map: plugins' paths are exact, and a router would read patterns into them.
  app.all('*', (context) => {
    const methods = methodsByPath.get(new URL(context.req.url).pathname);
    if (methods === undefined) throw new HttpProblem('not-found', 'There is nothing here.');
    const handle = methods.get(context.req.method === 'HEAD' ? 'GET' : context.req.method);
    if (handle !== undefined) return handle(context);
    const allowed = [...methods.keys(), ...(methods.has('GET') ? ['HEAD'] : [])].join(', ');
    throw new HttpProblem('method-not-allowed', `Use ${allowed}.`, { Allow: allowed });
  });
  app.onError((error, context) => renderProblem(parts, context, error));
  return app;
}

function compileEndpoints(parts: PublicParts): ReadonlyMap<string, ReadonlyMap<string, Endpoint['handle']>> {
  const methodsByPath = new Map<string, Map<string, Endpoint['handle']>>();
  const add = ({ path, method, handle }: Endpoint) => {
    const full = `${parts.base}${path}`;
    const methods = methodsByPath.get(full) ?? new Map<string, Endpoint['handle']>();
    methods.set(method, handle);
    methodsByPath.set(full, methods);
  };
  const pages = [...loginEndpoints(parts), ...logoutEndpoints(parts), ...forbiddenEndpoints(parts)];
  const calls = [...tokenEndpoints(parts), ...userinfoEndpoints(parts)];
  const management = [...csrfTokenEndpoints(parts), ...keyEndpoints(parts)];
  for (const endpoint of [...pages, ...calls, ...management]) add(endpoint);
  for (const pluginPath of parts.pluginPaths) {
    if (methodsByPath.has(`${parts.base}${pluginPath.path}`)) {
      throw new GatelodgeError('configuration-invalid', `two things answer at the path ${pluginPath.path}`);
    }
    for (const method of pluginPath.methods) add({ path: pluginPath.path, method, handle: pluginHandler(pluginPath) });
  }
  return methodsByPath;
}

function pluginHandler(pluginPath: PluginPath): Endpoint['handle'] {
  return async (context) => {
    try {
      return withCommonHeaders(await pluginPath.handle(context.req.raw));
    } catch (cause) {
      throw new GatelodgeError('plugin-failed', `the plugin failed at ${pluginPath.path}`, { cause });
    }
  };
}

/** JSON for programs, a page for whoever asks for one. */
function renderProblem(parts: PublicParts, context: PublicContext, error: unknown): Response | Promise<Response> {
  const problem = problemOf(error);
  const { status, code, message, headers } = problem;
  if (status === 500 || code === 'store-unavailable') parts.reportFailure(error);
  if (!(context.req.header('accept') ?? '').includes('text/html')) {
    return parts.respond.json(status, { error: code, message }, { headers });
  }
  return parts.respond.page(status, problemPage({ site: parts.site, status, message }), { headers });
}
