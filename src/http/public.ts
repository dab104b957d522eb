import { Hono } from 'hono';
import { GatelodgeError } from '../domain/errors.ts';
import type { PluginPath } from '../plugins/plugin-api.ts';
import { createCsrf } from './csrf.ts';
import { createDeviceCookie } from './device-cookie.ts';
import { dispatch, routeOf } from './dispatch.ts';
import { forbiddenEndpoints } from './forbidden.ts';
import { loginEndpoints } from './login.ts';
import { logoutEndpoints } from './logout.ts';
import { csrfTokenEndpoints } from './management/csrf-token.ts';
import { keyEndpoints } from './management/keys.ts';
import { openapiEndpoints } from './management/openapi.ts';
import { problemPage } from './pages/refusal-pages.ts';
import { problemOf } from './problems.ts';
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
  app.all('*', (context) => dispatch(routes, context));
  app.onError((error, context) => renderProblem(parts, error, wantsPage(parts, routes, context)));
  return app;
}

function compileRoutes(parts: PublicParts): Routes {
  const pages = [...loginEndpoints(parts), ...logoutEndpoints(parts), ...forbiddenEndpoints(parts)];
  const calls = [...tokenEndpoints(parts), ...userinfoEndpoints(parts)];
  const management = [...csrfTokenEndpoints(parts), ...keyEndpoints(parts)];
  const own = [...pages, ...calls, ...management];
  const routes = createRoutes(parts.base);
  for (const endpoint of [...own, ...openapiEndpoints(parts, own)]) routes.add(endpoint);
  const refuseTaken = (path: string) => {
    if (routes.has(path)) throw new GatelodgeError('configuration-invalid', `two things answer at the path ${path}`);
  };
  for (const path of new Set(parts.mounted?.map((endpoint) => endpoint.path))) refuseTaken(path);
  for (const endpoint of parts.mounted ?? []) routes.add(endpoint);
  for (const pluginPath of parts.pluginPaths) {
    refuseTaken(pluginPath.path);
    for (const method of pluginPath.methods)
      routes.add({ path: pluginPath.path, method, handle: pluginHandler(pluginPath), page: true });
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

/** Calls are answered in JSON whatever is asked for: some programs ask for text/html by default (Java's own client does). */
function wantsPage({ base }: PublicParts, routes: Routes, context: PublicContext): boolean {
  if (!(context.req.header('accept') ?? '').includes('text/html')) return false;
  const route = routeOf(routes, context);
  if (route !== null) return [...route.methods.values()].some(({ page }) => page === true);
  return !new URL(context.req.url).pathname.startsWith(`${base}/api/`);
}

/** JSON for programs, a page for people. */
function renderProblem(parts: PublicParts, error: unknown, asPage: boolean): Response | Promise<Response> {
  const problem = problemOf(error);
  const { status, code, message, headers } = problem;
  if (status === 500 || code === 'store-unavailable') parts.reportFailure(error);
  if (!asPage) return parts.respond.json(status, { error: code, message }, { headers });
  return parts.respond.page(status, problemPage({ site: parts.site, status, message }), { headers });
}
