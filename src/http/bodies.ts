import type { z } from 'zod';
import { HttpProblem } from './problems.ts';

export const FORM = 'application/x-www-form-urlencoded';
export const JSON_TYPE = 'application/json';
/** Far beyond any form or call of ours. */
export const LONGEST_BODY = 65_536;

/** The fields of a form, each once. */
export type Fields = ReadonlyMap<string, string>;

/** @throws HttpProblem `unsupported-media-type`, `payload-too-large`, `invalid-request` */
export async function readForm(request: Request): Promise<Fields> {
  return parseForm((await readBody(request, [FORM])).text);
}

/**
 * A JSON body that the schema takes, and what it makes of it.
 * @param options.mayBeMissing no body at all is an empty object
 * @throws HttpProblem as `readForm`
 */
export async function readJson<T extends z.ZodType>(
  request: Request,
  schema: T,
  { mayBeMissing = false }: { readonly mayBeMissing?: boolean } = {},
): Promise<z.output<T>> {
  const { text } = await readBody(request, [JSON_TYPE], mayBeMissing);
  return taken(schema, text === '' && mayBeMissing ? {} : parseJson(text), 'The body');
}

/** What is in a JSON body or a form, as the schema takes it. @throws HttpProblem as `readForm` */
export async function readJsonOrForm<T extends z.ZodType>(request: Request, schema: T): Promise<z.output<T>> {
  const { type, text } = await readBody(request, [JSON_TYPE, FORM]);
  return taken(schema, type === FORM ? Object.fromEntries(parseForm(text)) : objectOf(parseJson(text)), 'The body');
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

/** A body of one of these types, or an empty one that may be. @throws HttpProblem as `readForm` */
async function readBody(
  request: Request,
  accepted: readonly string[],
  mayBeMissing = false,
): Promise<{ readonly type: string; readonly text: string }> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const unsupported = (what: string, headers: Record<string, string>) =>
    new HttpProblem('unsupported-media-type', `Send ${what}.`, headers);
  if (type !== '' && !accepted.includes(type))
    throw unsupported(accepted.join(' or '), { Accept: accepted.join(', ') });
  // RFC 9110 section 15.5.16: what is packed is told apart from what is broken.
  if (!/^(?:identity)?$/i.test(request.headers.get('content-encoding') ?? ''))
    throw unsupported('the body as it is', { 'Accept-Encoding': 'identity' });
  const text = await readText(request);
  if (type !== '' || (text === '' && mayBeMissing)) return { type, text };
  if (text !== '') throw unsupported(accepted.join(' or '), { Accept: accepted.join(', ') });
  throw new HttpProblem('invalid-request', `There is no body. Send ${accepted.join(' or ')}.`);
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpProblem('invalid-request', 'The body is not JSON.');
  }
}

function objectOf(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new HttpProblem('invalid-request', 'The body is not a JSON object.');
}
