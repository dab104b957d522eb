import { GatelodgeClientError, isClientError } from './errors.ts';
import { HEADER_SAFE, type Settings } from './options.ts';
import { withTimeout } from './waiting.ts';

/** What gatelodge hands out. Keep the refresh token as you would a password. */
export interface Tokens {
  readonly token: string;
  /** Seconds from when it was asked for. */
  readonly expiresIn: number;
  /** null where gatelodge gave none. */
  readonly refreshToken: string | null;
  /** RFC 3339, by gatelodge's clock. */
  readonly refreshExpiresAt: string | null;
}

/** The calls that hand out tokens and take them back. All throw GatelodgeClientError, and nothing else. */
export interface TokenCalls {
  /** @throws `invalid-credentials`, and what every call throws */
  logIn(login: { readonly username: string; readonly password: string }): Promise<Tokens>;
  /**
   * Spends the refresh token.
   * @throws `refused` where it is unknown, expired or revoked, `conflict` where it was spent a moment ago
   */
  refresh(refreshToken: string): Promise<Tokens>;
  /** RFC 7009: also succeeds for what is no token at all. */
  revoke(token: string): Promise<void>;
}

/** Far beyond any answer of gatelodge's. */
const LONGEST_ANSWER = 65_536;
/**
 * gatelodge answers the same refresh a second time for ten seconds. So that a lost answer can be asked for again in that time,
 * the first attempt has less of it.
 */
const REFRESH_TIMEOUT = 4_000;

export function createTokenCalls({ url, fetch, timeout }: Pick<Settings, 'url' | 'fetch' | 'timeout'>): TokenCalls {
  async function post(path: string, body: Readonly<Record<string, string>>, time = timeout): Promise<string> {
    const answer = await withTimeout(time, async (signal) => {
      const request = new Request(url + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        body: JSON.stringify(body),
        // A 307 would take the password along to wherever it leads.
        redirect: 'error',
        // Cookies have nothing to say here.
        credentials: 'omit',
        cache: 'no-store',
        signal,
      });
      const response = await fetch(request);
      return { response, text: await readText(response) };
    }).catch((cause: unknown) => {
      throw isClientError(cause) ? cause : new GatelodgeClientError('network', `no answer from ${path}`, { cause });
    });
    if (answer.response.status !== 200) throw refusal(answer.response, path);
    return answer.text;
  }

  return {
    async logIn({ username, password }) {
      try {
        return readTokens(await post('/auth', { username, password }));
      } catch (error) {
        if (!isClientError(error, 'refused')) throw error;
        const { status } = error;
        throw new GatelodgeClientError('invalid-credentials', 'user name or password is wrong', { status });
      }
    },
    refresh: async (refreshToken) =>
      readTokens(await post('/refresh', { refresh_token: refreshToken }, Math.min(timeout, REFRESH_TIMEOUT))),
    async revoke(token) {
      await post('/revoke', { token });
    },
  };
}

function refusal(response: Response, path: string): GatelodgeClientError {
  const { status } = response;
  const message = `${path} was answered with ${status}`;
  const retryAfter = readRetryAfter(response.headers);
  if (status === 401) return new GatelodgeClientError('refused', message, { status });
  if (status === 409) return new GatelodgeClientError('conflict', message, { status });
  if (status === 429) return new GatelodgeClientError('rate-limited', message, { status, retryAfter });
  if (status >= 500) return new GatelodgeClientError('unavailable', message, { status, retryAfter });
  return new GatelodgeClientError('unexpected-answer', message, { status });
}

/** RFC 9110 section 10.2.3: seconds, or a date, which is held against the answer's own: the clock here may be wrong. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after') ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // Date.parse makes a date of nearly anything.
  if (!/^[A-Z][a-z]{2}, .* GMT$/.test(text)) return undefined;
  const date = headers.get('date');
  const seconds = Math.ceil((Date.parse(text) - (date === null ? Date.now() : Date.parse(date))) / 1_000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    length += part.value.byteLength;
    if (length > LONGEST_ANSWER) {
      void reader?.cancel();
      throw new GatelodgeClientError('unexpected-answer', 'the answer is too long', { status: response.status });
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

/** Nothing of the answer is put into an error: it is made of tokens. */
function readTokens(text: string): Tokens {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  const fields: Readonly<Record<string, unknown>> = typeof body === 'object' && body !== null ? { ...body } : {};
  const { token, expires_in, refresh_token, refresh_expires_at } = fields;
  if (!isToken(token) || typeof expires_in !== 'number' || !(expires_in > 0)) {
    throw new GatelodgeClientError('unexpected-answer', 'the answer holds no token', { status: 200 });
  }
  return {
    token,
    expiresIn: expires_in,
    refreshToken: isToken(refresh_token) ? refresh_token : null,
    refreshExpiresAt: typeof refresh_expires_at === 'string' ? refresh_expires_at : null,
  };
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && HEADER_SAFE.test(value);
}
