import { type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  json(): unknown;
}
export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** A Unix socket to ask instead of the URL's host. */
  readonly socketPath?: string;
  /** How long an answer may take, in ms. */
  readonly timeout?: number;
}

/**
 * A program's HTTP client, such as curl: it follows no redirect, keeps no cookie and sends no header that it was not given. Whatever the
 * URL's host, it connects to 127.0.0.1 at the URL's port and believes any certificate.
 */
export function ask(
  url: string,
  { method = 'GET', headers = {}, body, socketPath, timeout = 20_000 }: Ask = {},
): Promise<Answer> {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const length =
    body === undefined || headers['transfer-encoding'] !== undefined
      ? {}
      : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = (secure ? tlsRequest : plainRequest)({
      ...(socketPath === undefined ? { host: '127.0.0.1', port: target.port } : { socketPath }),
      servername: target.hostname,
      rejectUnauthorized: false,
      method,
      // As it stands in the text: URL would re-write some of the spellings that are to be tested.
      path: url.slice(target.protocol.length + 2).replace(/^[^/?]*/, '') || '/',
      headers: { host: target.host, ...length, ...headers },
      agent: false,
      timeout,
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          json: () => JSON.parse(whole.toString('utf8')),
        });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url}`)));
    request.on('error', reject);
    request.end(body);
  });
}
