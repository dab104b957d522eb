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
import { openapiEndpoints } from './management/openapi.ts';
import { problemPage } from './pages/refusal-pages.ts';
import { HttpProblem, problemOf } from './problems.ts';
import type { Endpoint, PublicBindings, PublicContext, PublicDependencies, PublicParts } from './public-parts.ts';
import { createSafeRedirect } from './redirects.ts';
import { createResponder, withCommonHeaders } from './responses.ts';
import { createRoutes, type Routes } from './routes.ts';
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
  const routes = compileRoutes(parts);

  const app = new Hono<{ Bindings: PublicBindings }>();
  app.all('*', (context) => {
    const route = routes.find(new URL(context.req.url).pathname, context.env?.target ?? null);
    if (route === null) throw new HttpProblem('not-found', 'There is nothing here.');
    const { methods, id } = route;
    const handle = methods.get(context.req.method === 'HEAD' ? 'GET' : context.req.method);
    if (handle !== undefined) return handle(context, id);
    const allowed = [...methods.keys(), ...(methods.has('GET') ? ['HEAD'] : [])].join(', ');
    throw new HttpProblem('method-not-allowed', `Use ${allowed}.`, { Allow: allowed });
  });
  app.onError((error, context) => renderProblem(parts, context, error));
  return app;
}

function compileRoutes(parts: PublicParts): Routes {
  const pages = [...loginEndpoints(parts), ...logoutEndpoints(parts), ...forbiddenEndpoints(parts)];
  const calls = [...tokenEndpoints(parts), ...userinfoEndpoints(parts)];
  const management = [...csrfTokenEndpoints(parts), ...keyEndpoints(parts)];
  const own = [...pages, ...calls, ...management];
  const routes = createRoutes(parts.base);
  for (const endpoint of [...own, ...openapiEndpoints(parts, own)]) routes.add(endpoint);
  for (const pluginPath of parts.pluginPaths) {
    if (routes.has(pluginPath.path)) {
      throw new GatelodgeError('configuration-invalid', `two things answer at the path ${pluginPath.path}`);
    }
    for (const method of pluginPath.methods)
      routes.add({ path: pluginPath.path, method, handle: pluginHandler(pluginPath) });
  }
  return routes;
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
