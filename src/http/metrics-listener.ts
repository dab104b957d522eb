import { createServer, type ServerResponse } from 'node:http';
import { type Listening, listenAt, type Place } from './listener.ts';

/** What Prometheus reads. */
export interface Exposition {
  readonly contentType: string;
  /** Everything as it is now. */
  text(): Promise<string>;
}

/** How long a request may take to come, in ms. */
const TIMEOUT = 10_000;
/** Far more than anybody reads metrics with. */
const MOST_CONNECTIONS = 64;

/** `GET /metrics` on a listener of its own, and nothing else: who may see it is decided by who can reach it. */
export function listenForMetrics(place: Place, exposition: Exposition): Promise<Listening> {
  const server = createServer({ headersTimeout: TIMEOUT, requestTimeout: TIMEOUT }, (message, response) => {
    const path = (message.url ?? '').replace(/\?.*$/s, '');
    if (path !== '/metrics') answer(response, 404, 'Metrics are at /metrics.\n');
    else if (message.method !== 'GET' && message.method !== 'HEAD')
      answer(response.setHeader('Allow', 'GET, HEAD'), 405, 'Use GET.\n');
    else
      exposition.text().then(
        (text) => answer(response, 200, text, exposition.contentType),
        () => answer(response, 500, 'The metrics cannot be read.\n'),
      );
  });
  return listenAt(server, place, { most: MOST_CONNECTIONS });
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response
    .writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(text);
}
