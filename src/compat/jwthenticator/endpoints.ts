import { GatelodgeError } from '../../domain/errors.ts';
import type { Jwthenticator, JwthenticatorResult } from '../../flows/jwthenticator.ts';
import { readBytes } from '../../http/bodies.ts';
import { HttpProblem } from '../../http/problems.ts';
import { clientAddress, type Endpoint, type PublicContext } from '../../http/public-parts.ts';
import { EVERYWHERE } from '../../http/responses.ts';
import { type FieldKind, loadFields } from './fields.ts';
import { type PythonJson, pythonJson } from './python-json.ts';

const LONGEST_BODY = 1_048_576;

/** JWThenticator's calls in its own three groups. */
export interface JwthenticatorEndpoints {
  /** For everybody who has a key, a refresh token or a JWT. */
  readonly external: readonly Endpoint[];
  /** Registration: whoever may call these lets others in. They answer 403 unless the listener says `internal`. */
  readonly internal: readonly Endpoint[];
  readonly general: readonly Endpoint[];
}

/** @param path of the mount below the base path, without a slash at the end */
export function jwthenticatorEndpoints(path: string, jwthenticator: Jwthenticator): JwthenticatorEndpoints {
  const post = <N extends string>(
    name: string,
    kinds: Readonly<Record<N, FieldKind>>,
    call: (values: Readonly<Record<N, string>>, address: string | null) => Promise<Response>,
  ): Endpoint => ({
    path: `${path}/${name}`,
    method: 'POST',
    handle: orUnavailable(async (context) => {
      const { values, problems } = loadFields(await readBytes(context.req.raw, LONGEST_BODY), kinds);
      return problems === null ? call(values, clientAddress(context)) : answer(400, problems);
    }),
  });
  const get = (name: string, call: (context: PublicContext) => Promise<Response>): Endpoint => ({
    path: `${path}/${name}`,
    method: 'GET',
    handle: orUnavailable(call),
  });
  const health = async () => answer(200, truth(true));

  const external = [
    post('authenticate', { key: 'key', identifier: 'uuid' }, async ({ key, identifier }, address) =>
      answerResult(await jwthenticator.authenticate(key, identifier, address)),
    ),
    post('refresh', { refresh_token: 'text', identifier: 'uuid' }, async (values, address) =>
      answerResult(await jwthenticator.refresh(values.refresh_token, values.identifier, address)),
    ),
    post('validate', { jwt: 'text' }, async ({ jwt }) =>
      (await jwthenticator.isGood(jwt)) ? answer(200, truth(true)) : answer(401, {}),
    ),
    get('validate_request', async (context) => {
      const jwt = bearerOf(context.req.header('authorization'));
      if (jwt === null) return answer(403, {});
      return answer((await jwthenticator.isGood(jwt)) ? 200 : 401, {});
    }),
  ];
  const internal = [
    post('register_key', { key: 'key', identifier: 'uuid' }, async ({ key, identifier }, address) => {
      await jwthenticator.registerKey(key, identifier, address);
      return answer(201, truth(true));
    }),
    post('is_key_registered', { key: 'key' }, async ({ key }) =>
      answer(200, truth(await jwthenticator.isKeyRegistered(key))),
    ),
  ];
  const general = [
    get('', health),
    get('health', health),
    get('jwks', async () => answer(200, { ...jwthenticator.jwks() })),
  ];
  return { external, internal: internal.map(forInternalCallers), general };
}

/** Before the body is read: nobody else finds out what would be wrong with it. */
function forInternalCallers({ path, method, handle }: Endpoint): Endpoint {
  return {
    path,
    method,
    handle(context, id) {
      if (context.env?.internal !== true)
        throw new HttpProblem('forbidden', 'This call is for trusted peers that speak for themselves.');
      return handle(context, id);
    },
  };
}

/** Exactly `Bearer`, one blank and something without blanks; null for everything else. */
function bearerOf(authorization: string | undefined): string | null {
  return /^Bearer ([^ ]+)$/.exec(authorization ?? '')?.[1] ?? null;
}

function answerResult(result: JwthenticatorResult): Response {
  switch (result.kind) {
    case 'granted':
      return answer(200, { jwt: result.jwt, refresh_token: result.refreshToken });
    case 'limited':
      throw new HttpProblem('rate-limited', 'Too many attempts.', { 'Retry-After': String(result.retryAfter) });
    case 'refused':
      return answer(401, {});
  }
}

function truth(result: boolean): PythonJson {
  return { result, message: null };
}

function answer(status: number, body: PythonJson): Response {
  const text = pythonJson(body);
  const headers = { ...EVERYWHERE, 'Content-Type': 'application/json; charset=utf-8' };
  return new Response(text, { status, headers: { ...headers, 'Content-Length': String(text.length) } });
}

/** Clients throw their key away for a 401 and know no 500: whatever goes wrong here is 503, and they come back. */
function orUnavailable(handle: (context: PublicContext) => Promise<Response>): Endpoint['handle'] {
  return async (context) => {
    try {
      return await handle(context);
    } catch (error) {
      if (error instanceof HttpProblem || (error instanceof GatelodgeError && error.code === 'store-unavailable'))
        throw error;
      throw new GatelodgeError('store-unavailable', 'the call failed', { cause: error });
    }
  };
}
