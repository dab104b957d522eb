import { Hono } from 'hono';
import { dispatch } from './dispatch.ts';
import { problemOf } from './problems.ts';
import type { Endpoint, PublicBindings } from './public-parts.ts';
import { createResponder } from './responses.ts';
import { createRoutes } from './routes.ts';

/**
 * Calls that have a listener of their own, below the same path as the public ones.
 * @param parts.base path of `public_url` without a slash at the end
 * @param parts.reportFailure told about failures that are ours
 */
export function createInternalApp(parts: {
  readonly base: string;
  readonly endpoints: readonly Endpoint[];
  readonly reportFailure: (error: unknown) => void;
}): Hono<{ Bindings: PublicBindings }> {
  const routes = createRoutes(parts.base);
  for (const endpoint of parts.endpoints) routes.add(endpoint);
  const respond = createResponder([]);
  const app = new Hono<{ Bindings: PublicBindings }>();
  app.all('*', (context) => dispatch(routes, context));
  app.onError((error) => {
    const { status, code, message, headers } = problemOf(error);
    if (status === 500 || code === 'store-unavailable') parts.reportFailure(error);
    return respond.json(status, { error: code, message }, { headers });
  });
  return app;
}
