import { z } from 'zod';
import type { Configuration } from '../../config/schema.ts';
import { FORM, JSON_TYPE } from '../bodies.ts';
import { CSRF_HEADER } from '../callers.ts';
import { sessionCookieName } from '../cookies.ts';
import { type ProblemCode, statusOf } from '../problems.ts';
import type { Endpoint, PublicParts } from '../public-parts.ts';
import { answerSchema, answerSchemas, bodySchemas, type Operation } from './operation.ts';

const problemAnswer = answerSchema(
  'Problem',
  z.object({ error: z.string().describe('A stable code.'), message: z.string().describe('For people.') }),
);

const IN_ANY_CALL: readonly ProblemCode[] = ['store-unavailable', 'internal-error'];
const BY_CALLERS: Readonly<Record<Operation['callers']['kind'], readonly ProblemCode[]>> = {
  management: [
    ...(['invalid-request', 'no-credentials', 'invalid-credentials', 'scope-missing', 'role-missing'] as const),
    ...(['csrf-failed', 'forbidden', 'rate-limited'] as const),
  ],
  any: ['invalid-request', 'no-credentials', 'invalid-credentials', 'forbidden', 'rate-limited', 'overloaded'],
  none: [],
};
const SECURITY = {
  management: [{ apiKey: [] }, { bearer: [] }, { session: [], csrf: [] }],
  any: [{ apiKey: [] }, { bearer: [] }, { session: [] }, { basic: [] }],
  none: [],
};

/** `GET /api/openapi.json`: what the endpoints say of themselves. @param endpoints all there are */
export function openapiEndpoints(parts: PublicParts, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  let text: unknown;
  return [
    {
      path: '/api/openapi.json',
      method: 'GET',
      handle() {
        text ??= openapiDocument(parts.configuration, endpoints);
        return parts.respond.json(200, text);
      },
    },
  ];
}

/** An OpenAPI 3.1 document of the endpoints that have an operation. */
export function openapiDocument(
  configuration: Pick<Configuration, 'cookie'> & { readonly public_url: string },
  endpoints: readonly Endpoint[],
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { path, method, operation } of endpoints) {
    if (operation === undefined) continue;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(path, operation) };
  }
  const name = sessionCookieName(configuration);
  return {
    openapi: '3.1.1',
    info: { title: 'gatelodge', version: '1', description: 'Times are RFC 3339 in UTC.' },
    servers: [{ url: configuration.public_url }],
    paths,
    components: {
      schemas: { ...components(bodySchemas, 'input'), ...components(answerSchemas, 'output') },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key, `glk_…`.' },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key; where any credential will do, an access token too.',
        },
        basic: { type: 'http', scheme: 'basic', description: 'Where a `basic` plugin is configured.' },
        session: { type: 'apiKey', in: 'cookie', name, description: "A user's session." },
        csrf: { type: 'apiKey', in: 'header', name: CSRF_HEADER, description: 'What `/api/v1/csrf` gave.' },
      },
    },
  };
}

function operationObject(path: string, operation: Operation): Record<string, unknown> {
  const { id, summary, description, callers, query, body, alsoForm, answer, problems = [] } = operation;
  const needs = callers.kind === 'management' ? `Needs the scope \`${callers.scope}\`, or the role admin.` : null;
  const told = [description, needs].filter((one) => typeof one === 'string').join(' ');
  const inPath = path.includes('{id}')
    ? [
        {
          name: 'id',
          in: 'path',
          required: true,
          schema: { type: 'string' },
          description: '`glk_<id>`, or the bare id.',
        },
      ]
    : [];
  const codes = [...new Set([...BY_CALLERS[callers.kind], ...problems, ...IN_ANY_CALL])];
  return {
    operationId: id,
    summary,
    ...(told === '' ? {} : { description: told }),
    security: SECURITY[callers.kind],
    ...(inPath.length === 0 && query === undefined ? {} : { parameters: [...inPath, ...queryParameters(query)] }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !acceptsNothing(body),
            content: contentOf(bodySchemas, body, alsoForm === true ? [JSON_TYPE, FORM] : [JSON_TYPE]),
          },
        }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answer.schema === undefined ? {} : { content: contentOf(answerSchemas, answer.schema) }),
      },
      ...problemResponses(codes),
    },
  };
}

function problemResponses(codes: readonly ProblemCode[]): Record<string, unknown> {
  const statuses = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...statuses]
      .sort(([one], [other]) => one - other)
      .map(([status, all]) => [
        status,
        {
          description: all.map((code) => `\`${code}\``).join(', '),
          ...(status === 429
            ? { headers: { 'Retry-After': { description: 'In seconds.', schema: { type: 'integer' } } } }
            : {}),
          content: contentOf(answerSchemas, problemAnswer),
        },
      ]),
  );
}

function queryParameters(query: z.ZodObject | undefined): unknown[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const { description, ...rest } = plain(z.toJSONSchema(schema, { io: 'input' }));
    return {
      name,
      in: 'query',
      required: !acceptsNothing(schema),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function acceptsNothing(schema: z.core.$ZodType): boolean {
  return z.safeParse(schema, undefined).success || z.safeParse(schema, {}).success;
}

type Registry = typeof answerSchemas;

const reference = (id: string) => `#/components/schemas/${id}`;

function contentOf(registry: Registry, schema: z.ZodType, types: readonly string[] = [JSON_TYPE]): object {
  const id = registry.get(schema)?.id;
  if (id === undefined) throw new RangeError('a schema of the API has no name');
  return Object.fromEntries(types.map((type) => [type, { schema: { $ref: reference(id) } }]));
}

function components(registry: Registry, io: 'input' | 'output'): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: reference,
    override({ jsonSchema }) {
      // A format says it shorter. Answers may get further members, which is no reason for a client to fail.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      if (io === 'output') delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
}

/** Without what says which dialect it is in, and where it stands: the document does. */
function plain(schema: object): Record<string, unknown> {
  const { $schema: _dialect, $id: _place, ...rest } = schema as Record<string, unknown>;
  return rest;
}
