import { z } from 'zod';
import type { ProblemCode } from '../problems.ts';

/** What the OpenAPI document says of an endpoint. What a call takes is checked by the same schemas. */
export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** `management`: an API key with the scope, or an administrator's session; `any`: whatever is configured; `none`: anybody. */
  readonly callers: { readonly kind: 'management'; readonly scope: string } | { readonly kind: 'any' | 'none' };
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body may be a form as well as JSON. */
  readonly alsoForm?: true;
  readonly answer: { readonly status: number; readonly description: string; readonly schema?: z.ZodType };
  readonly problems?: readonly ProblemCode[];
}

/** The document's components: apart, because what is left out of a body has its default in an answer. */
export const bodySchemas = z.registry<{ id: string }>();
export const answerSchemas = z.registry<{ id: string }>();

/** Names the schema of a body in the document. */
export function bodySchema<T extends z.ZodType>(id: string, schema: T): T {
  bodySchemas.add(schema, { id });
  return schema;
}

/** Names the schema of an answer, or of a part of one. */
export function answerSchema<T extends z.ZodType>(id: string, schema: T): T {
  answerSchemas.add(schema, { id });
  return schema;
}

/** A time in an answer. */
export const timeAnswer = z.string().meta({ format: 'date-time' });

/** A time in a body, RFC 3339 with any offset; ms since the epoch in the program. */
export const timeBody = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2027-01-31T00:00:00Z' })
  .transform((text) => Date.parse(text));
