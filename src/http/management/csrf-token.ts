import { z } from 'zod';
import { CSRF_HEADER } from '../callers.ts';
import type { Endpoint, PublicContext, PublicParts } from '../public-parts.ts';
import { answerSchema, type Operation } from './operation.ts';

const tokenAnswer = answerSchema(
  'CsrfToken',
  z.object({ header: z.string().describe('The header that the token is sent in.'), token: z.string() }),
);

const OPERATION: Operation = {
  ...{
    id: 'csrf',
    summary: 'The token with which a page of this origin calls by its session',
    callers: { kind: 'none' },
  },
  answer: {
    status: 200,
    description: 'The token. It is good with the cookie that comes with it.',
    schema: tokenAnswer,
  },
};

/**
 * `GET /api/v1/csrf`: what a page of this origin sends with its calls. Anybody may ask: the token is worth something only
 * with the cookie it was made for, and no other site's script can read the answer.
 */
export function csrfTokenEndpoints({ csrf, respond }: PublicParts): readonly Endpoint[] {
  function issue(context: PublicContext): Response {
    const { field, setCookie } = csrf.issue(context.req.raw.headers);
    return respond.json(200, { header: CSRF_HEADER, token: field }, { cookies: [setCookie] });
  }
  return [{ path: '/api/v1/csrf', method: 'GET', handle: issue, operation: OPERATION }];
}
