import type { z } from 'zod';
import { HttpProblem } from './problems.ts';

export const FORM = 'application/x-www-form-urlencoded';
export const JSON_TYPE = 'application/json';
/** Far beyond any form or call of ours. */
export const LONGEST_BODY = 65_536;

/** The fields of a body, each once. In JSON only the texts: no call takes anything else. */
export type Fields = ReadonlyMap<string, string>;

/**
 * @param accepted the content types that the call takes
 * @throws HttpProblem `unsupported-media-type`, `payload-too-large`, `invalid-request`
 */
export async function readFields(request: Request, accepted: readonly string[]): Promise<Fields> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!accepted.includes(type)) {
    throw new HttpProblem('unsupported-media-type', `Send ${accepted.join(' or ')}.`, { Accept: accepted.join(', ') });
  }
  const text = await readText(request);
  return type === FORM ? parseForm(text) : parseJson(text);
}

/**
 * A JSON body that the schema takes, and what it makes of it.
 * @param options.mayBeMissing no body at all is an empty object
 * @throws HttpProblem as `readFields`
 */
export async function readJson<T extends z.ZodType>(
  request: Request,
  schema: T,
  { mayBeMissing = false }: { readonly mayBeMissing?: boolean } = {},
): Promise<z.output<T>> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== JSON_TYPE && !(mayBeMissing && type === '')) {
    throw new HttpProblem('unsupported-media-type', `Send ${JSON_TYPE}.`, { Accept: JSON_TYPE });
  }
  const text = await readText(request);
  if (text !== '' && type === '') throw new HttpProblem('unsupported-media-type', `Send ${JSON_TYPE}.`);
  let body: unknown;
  try {
    body = mayBeMissing && text === '' ? {} : JSON.parse(text);
  } catch {
    throw new HttpProblem('invalid-request', 'The body is not JSON.');
  }
  return taken(schema, body, 'The body');
}

/** The texts of a JSON body or a form, as the schema takes them. @throws HttpProblem as `readFields` */
export async function readJsonOrForm<T extends z.ZodType>(request: Request, schema: T): Promise<z.output<T>> {
  return taken(schema, Object.fromEntries(await readFields(request, [JSON_TYPE, FORM])), 'The body');
}

/** What stands in the query, each name once. @throws HttpProblem `invalid-request`, also for names that the schema has not */
export function readQuery<T extends z.ZodType>(url: string, schema: T): z.output<T> {
  const { searchParams } = new URL(url);
  const query = Object.fromEntries(searchParams);
  // Of two values one program takes the first and another the last: neither is right.
  if (Object.keys(query).length !== searchParams.size)
    throw new HttpProblem('invalid-request', 'A parameter was sent twice.');
  return taken(schema, query, 'The query');
}

function taken<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw new HttpProblem(
    'invalid-request',
    `${what} is not as it should be${place === '' ? '' : ` at ${place}`}: ${issue?.message}.`,
  );
}

/** @throws HttpProblem `payload-too-large` */
export async function readBytes(request: Request, longest: number): Promise<Buffer> {
  const tooLarge = new HttpProblem('payload-too-large', `The body is longer than ${longest} bytes.`);
  if (Number(request.headers.get('content-length') ?? 0) > longest) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  // A chunked body tells its length only by coming, so it is counted and given up at the limit.
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > longest) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function readText(request: Request): Promise<string> {
  const bytes = await readBytes(request, LONGEST_BODY);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpProblem('invalid-request', 'The body is not UTF-8.');
  }
}

function parseForm(text: string): Fields {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    // Of two values one program takes the first and another the last: neither is right.
    if (fields.has(name)) throw new HttpProblem('invalid-request', 'A field was sent twice.');
    fields.set(name, value);
  }
  return fields;
}

function parseJson(text: string): Fields {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HttpProblem('invalid-request', 'The body is not JSON.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpProblem('invalid-request', 'The body is not a JSON object.');
  }
  return new Map(
    Object.entries(body).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );
}
