import { connect, type Socket } from 'node:net';

/** One answer as it stood on the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Names as they came, values one character a byte. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** All values of a field. */
  header(name: string): string[];
  readonly body: string;
}

export interface Exchange {
  /** The local address to connect from. */
  readonly from?: string;
  /** How many answers to wait for. */
  readonly answers?: number;
}

/** In ms; less than what a head may take to come, after which there is an answer. */
const DEADLINE = 9_000;

/**
 * Sends exactly these bytes (one character each) and takes apart what comes back. Resolves when there are enough answers or
 * the other side closes; rejects after the deadline, which is how an answer that waits for something shows.
 */
export function exchange(port: number, bytes: string, { from, answers = 1 }: Exchange = {}): Promise<WireAnswer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) });
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(parse(text));
    };
    socket.setTimeout(DEADLINE, () => {
      socket.destroy();
      reject(new Error(`no answer, but ${JSON.stringify(text.slice(0, 200))}`));
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (parse(text).length >= answers) finish();
    });
    socket.on('end', finish);
    socket.on('error', (error) => (text === '' ? reject(error) : finish()));
    socket.on('connect', () => void socket.write(bytes, 'latin1'));
  });
}

/** Opens a connection, sends the bytes and resets it, as somebody does who wants no answer. */
export function sendAndReset(port: number, bytes: string, from: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: from }, () => {
      socket.write(bytes, 'latin1');
      socket.resetAndDestroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

function parse(text: string): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return answers;
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    const fields = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
    const header = (name: string) =>
      fields.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
    const after = rest.slice(end + 4);
    const length =
      header('transfer-encoding').length > 0 ? endOfChunks(after) : Number(header('content-length')[0] ?? 0);
    if (after.length < length) return answers;
    const body = after.slice(0, length);
    answers.push({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0), fields, header, body });
    rest = after.slice(length);
  }
}

/** Where the last chunk ends (RFC 9112 section 7.1); more than there is where it has not come yet. */
function endOfChunks(text: string): number {
  const last = text.startsWith('0\r\n') ? 0 : text.indexOf('\r\n0\r\n\r\n') + 2;
  return last === 1 ? Number.POSITIVE_INFINITY : last + 5;
}

export interface Check {
  readonly path?: string;
  readonly method?: string;
  readonly from?: string;
  readonly host?: string;
}

/** The bytes of one check with these header lines. */
export function checkBytes(
  lines: readonly string[],
  { path = '/validate', method = 'GET', host = 'gatelodge' }: Check = {},
): string {
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...lines].join('\r\n')}\r\n\r\n`;
}

/** One check on a connection of its own. @throws where it is not answered */
export async function check(port: number, lines: readonly string[], options: Check = {}): Promise<WireAnswer> {
  const [answer] = await exchange(port, checkBytes(lines, options), options);
  if (answer === undefined) throw new Error('the connection was closed without an answer');
  return answer;
}

/** Status and reason, such as `403 malformed-request`; what else was said is not looked at. */
export async function verdict(port: number, lines: readonly string[], options: Check = {}): Promise<string> {
  const answer = await check(port, lines, options);
  return [answer.status, ...answer.header('x-auth-reason')].join(' ');
}

/** What nginx tells of a request. */
export function viaNginx(url: string, ...more: readonly string[]): string[] {
  return [`X-Original-URL: ${url}`, 'X-Original-Method: GET', ...more];
}

/** What Caddy, Traefik and HAProxy tell of a request. */
export function viaForwarded(host: string, uri: string, ...more: readonly string[]): string[] {
  return [
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: https',
    `X-Forwarded-Host: ${host}`,
    `X-Forwarded-Uri: ${uri}`,
    ...more,
  ];
}
