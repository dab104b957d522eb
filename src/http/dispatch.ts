import type { MaybePromise } from '../domain/maybe-promise.ts';
import { HttpProblem } from './problems.ts';
import type { PublicContext } from './public-parts.ts';
import type { Route, Routes } from './routes.ts';

/** Has the endpoint answer that a request is for. @throws HttpProblem `not-found`, `method-not-allowed` */
export function dispatch(routes: Routes, context: PublicContext): MaybePromise<Response> {
  const route = routeOf(routes, context);
  if (route === null) throw new HttpProblem('not-found', 'There is nothing here.');
  const { methods, id } = route;
  const endpoint = methods.get(context.req.method === 'HEAD' ? 'GET' : context.req.method);
  if (endpoint !== undefined) return endpoint.handle(context, id);
  const allowed = [...methods.keys(), ...(methods.has('GET') ? ['HEAD'] : [])].join(', ');
  throw new HttpProblem('method-not-allowed', `Use ${allowed}.`, { Allow: allowed });
}

/** What answers where a request goes; null where nothing does. */
export function routeOf(routes: Routes, context: PublicContext): Route | null {
  return routes.find(new URL(context.req.url).pathname, context.env?.target ?? null);
}
