import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { WebSocketServer } from 'ws';
import { portOf } from './free-port.ts';

/** One request as it reached the application. */
export interface RecordedRequest {
  readonly method: string;
  /** The request target, byte for byte. */
  readonly url: string;
  /** Names as they came, in lower case, each with its values in order. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly bodyLength: number;
  readonly bodyMd5: string;
}
export interface Application {
  readonly port: number;
  readonly requests: RecordedRequest[];
  stop(): Promise<void>;
}

/**
 * The unprotected application behind the gate. It believes every header, answers with the recorded request as JSON, echoes on the
 * WebSocket /ws and sends three events, 300 ms apart, on /sse.
 */
export async function startApplication(): Promise<Application> {
  const requests: RecordedRequest[] = [];
  const server = createServer({ maxHeaderSize: 65_536 }, async (request, response) => {
    const recorded = record(request, await bodyOf(request));
    requests.push(recorded);
    if (recorded.url.startsWith('/sse')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const number of [1, 2, 3]) {
        response.write(`data: ${number} ${Date.now()}\n\n`);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      response.end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(recorded));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    requests.push(record(request, Buffer.alloc(0)));
    sockets.handleUpgrade(request, socket, head, (connection) =>
      connection.on('message', (data, binary) => connection.send(data, { binary })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    requests,
    async stop() {
      for (const connection of sockets.clients) connection.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function record(request: IncomingMessage, body: Buffer): RecordedRequest {
  const headers: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) headers[name] = [...(values ?? [])];
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers,
    bodyLength: body.length,
    bodyMd5: createHash('md5').update(body).digest('hex'),
  };
}
