import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { type FrontServerStack, type Recipe, startFrontServerStack } from '../support/front-server-stack.ts';
import { missing } from '../support/skip.ts';
import { describeConnections } from './front-server-connections.ts';
import { describeCredentials } from './front-server-credentials.ts';
import { describeFailure } from './front-server-failure.ts';
import { describeForgery } from './front-server-forgery.ts';
import { describeLogin } from './front-server-login.ts';
import { describePaths } from './front-server-paths.ts';
import { describeRefusals } from './front-server-refusals.ts';
import { describeStreams } from './front-server-streams.ts';

/** A front server as the suite knows it. All of its recipes have the rules of deploy/nginx's. */
export interface FrontServerUnderTest {
  /** What `missing` looks for. */
  readonly programs: readonly string[];
  /** One host, gatelodge's pages below its /gatelodge/. */
  readonly minimal: Recipe;
  /** app.example.com with pages, /api, /ws, /sse, /public, /health and /robots.txt; gatelodge's pages on auth.example.com. */
  readonly complete: Recipe;
  /** Its own way of saying some things. */
  readonly traits: Traits;
}

export interface Traits {
  /** Passes on gatelodge's own status. nginx knows 401 and 403 alone. */
  readonly passesStatusOn: boolean;
  /** The longest that a silent gatelodge can keep a client waiting, in ms. */
  readonly patience: number;
  /** Tidies URLs up before anything else, so that `//` in the path and `;` in the query do not come back after login. */
  readonly tidiesPaths: boolean;
  /** Whether the recipe speaks HTTP/2 to clients. */
  readonly http2: boolean;
  /** How the port is told that a client writes into Host: replaced by the front server's own, or handed on. */
  readonly clientPort: 'replaced' | 'handed-on';
}

/** What each part of the suite gets: the stack is there once the tests run. */
export interface Subject {
  readonly stack: () => FrontServerStack;
  readonly traits: Traits;
}

/** Rules that the suite needs in front of the recipe's own. */
const RULES = [
  // Public, but not on this front server: whoever makes gatelodge believe in this host is in.
  '{host: open.example.com, authenticate: false}',
  '{path: /seldom, authenticate: false, rate_limit: {requests: 1, per: 1h, burst: 1}}',
  '{path: /backstage, plugins: [session], roles: [admin]}',
  '{path: /rarely, authenticate: false, rate_limit: {requests: 1, per: 1h, burst: 1}}',
];

/** What every front server must do with gatelodge, run against the real one from its recipes as they stand. */
export function describeFrontServer(name: string, server: FrontServerUnderTest): void {
  describe.skipIf(missing('openssl', ...server.programs))(name, () => {
    describe('complete', () => {
      const subject = started(server.complete, server.traits);
      describeLogin(subject);
      describeCredentials(subject);
      describeForgery(subject);
      describePaths(subject);
      describeRefusals(subject);
      describeStreams(subject, true);
      describeConnections(subject);
    });
    describe('minimal', () => {
      const subject = started(server.minimal, server.traits);
      describeLogin(subject);
      describeForgery(subject);
      describePaths(subject);
      describeRefusals(subject);
      describeStreams(subject, false);
      describeConnections(subject);
    });
    describe('gatelodge in trouble', () => describeFailure(server));
  });
}

function started(recipe: Recipe, traits: Traits): Subject {
  let stack: FrontServerStack | undefined;
  beforeAll(async () => {
    stack = await startFrontServerStack(recipe, { rules: RULES });
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    if (stack !== undefined) stack.application.requests.length = 0;
  });
  return {
    traits,
    stack() {
      if (stack === undefined) throw new Error('the stack has not started');
      return stack;
    },
  };
}
