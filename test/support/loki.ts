import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { portOf } from './free-port.ts';

export interface Pushed {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly streams: readonly {
    readonly stream: Readonly<Record<string, string>>;
    readonly values: readonly (readonly [string, string])[];
  }[];
}

/** A server that speaks Loki's push call, and answers as it is told to. */
export interface LokiServer {
  readonly url: string;
  readonly pushes: readonly Pushed[];
  /** All lines so far, in order. */
  lines(): string[];
  /** How often it was called, however that ended. */
  calls(): number;
  /** What is done instead of 204; null for that. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | null;
  stop(): Promise<void>;
}

export async function startLoki(port = 0): Promise<LokiServer> {
  const pushes: Pushed[] = [];
  let calls = 0;
  const server = createServer(async (request, response) => {
    calls += 1;
    const { answer } = loki;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    if (answer !== null) {
      answer(request, response);
      return;
    }
    // It is our own sender that is tested; what it sends has this shape, or the test fails.
    const { streams } = JSON.parse(Buffer.concat(chunks).toString()) as Pick<Pushed, 'streams'>;
    pushes.push({ path: request.url ?? '', headers: request.headers, streams });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const loki: LokiServer = {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    pushes,
    lines: () => pushes.flatMap(({ streams }) => streams.flatMap(({ values }) => values.map(([, line]) => line))),
    calls: () => calls,
    answer: null,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return loki;
}
