import { z } from 'zod';
import { requireIdentity } from './callers.ts';
import { answerSchema, type Operation, timeAnswer } from './management/operation.ts';
import type { Endpoint, PublicContext, PublicParts } from './public-parts.ts';
import { rfc3339 } from './times.ts';

const text = z.string();
const texts = z.array(text);

const identityAnswer = answerSchema(
  'Identity',
  z.object({
    sub: text.describe('Stable, whatever the name becomes.'),
    username: text,
    preferred_username: text.describe('The same as username.'),
    ...{ name: text, email: text, roles: texts, groups: texts },
    scopes: texts.nullable().describe('What the credential is restricted to; null for one that carries no scopes.'),
    methods: texts.describe('The plugin instances that said so.'),
    authenticated_at: timeAnswer.nullable().describe('When the person last proved who they are.'),
  }),
);

const OPERATION: Operation = {
  ...{ id: 'userinfo', summary: 'Who the credential of the request stands for', callers: { kind: 'any' } },
  answer: { status: 200, description: 'The identity.', schema: identityAnswer },
};

/** `GET /userinfo`: who the credential of the request stands for, named as in OpenID Connect Core section 5.1. */
export function userinfoEndpoints(parts: PublicParts): readonly Endpoint[] {
  async function userinfo(context: PublicContext): Promise<Response> {
    const { subject, username, name, email, roles, groups, scopes, methods, authenticatedAt } = await requireIdentity(
      parts,
      context,
    );
    return parts.respond.json(200, {
      sub: subject,
      username,
      preferred_username: username,
      name,
      email,
      roles,
      groups,
      scopes,
      methods,
      // A password says with every request who it is.
      authenticated_at: rfc3339(authenticatedAt === Number.POSITIVE_INFINITY ? parts.clock() : authenticatedAt),
    });
  }
  return [{ path: '/userinfo', method: 'GET', handle: userinfo, operation: OPERATION }];
}
