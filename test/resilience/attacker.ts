import { connect, type Socket } from 'node:net';

/*
 * Somebody with bad intentions, in a process of its own: `attacker.ts KIND PORT COUNT`. Says four times a second how it goes, as
 * one line of JSON: {tried, open, closed, answers}.
 */
const [kind = '', port = '', count = ''] = process.argv.slice(2);

/** What is sent at first, and then again and again. */
interface Attack {
  readonly first?: string;
  readonly again?: string;
  /** How often, in ms. */
  readonly every?: number;
  /** A new connection for each that is closed. */
  readonly renewed?: boolean;
}
const HEAD = 'Host: app.example.com\r\nX-Original-URL: https://app.example.com/open\r\nX-Original-Method: GET\r\n';
const ATTACKS: Readonly<Record<string, Attack>> = {
  idle: {},
  'slow-head': { first: `GET /validate HTTP/1.1\r\n${HEAD}X-Slow: `, again: 'a', every: 100 },
  'slow-body': {
    first:
      'POST /auth HTTP/1.1\r\nHost: app.example.com\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n',
    again: ' ',
    every: 100,
  },
  'large-head': { first: `GET /validate HTTP/1.1\r\n${HEAD}X-Large: ${'a'.repeat(80_000)}\r\n\r\n`, renewed: true },
  /** Just small enough, and never ended: the server has to keep it. */
  'endless-head': {
    first: `GET /validate HTTP/1.1\r\n${HEAD}X-Large: ${'a'.repeat(60_000)}\r\n`,
    again: 'X: y\r\n',
    every: 1_000,
  },
  'idle-after-use': { first: 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' },
};
const attack = ATTACKS[kind];
if (attack === undefined) throw new Error(`no attack is called ${kind}`);

const open = new Set<Socket>();
const answers: Record<string, number> = {};
let [tried, closed] = [0, 0];

function begin({ first, renewed }: Attack): void {
  tried += 1;
  const socket = connect(Number(port), '127.0.0.1', () => {
    open.add(socket);
    if (first !== undefined) socket.write(first);
  });
  socket.on('data', (chunk: Buffer) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1'))?.[1];
    if (status !== undefined) answers[status] = (answers[status] ?? 0) + 1;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    open.delete(socket);
    closed += 1;
    if (renewed === true) begin({ first: first ?? '', renewed });
  });
}

// Some at a time, or the system's queue of new connections would be what is tested.
const wanted = Number(count);
for (let made = 0; made < wanted; made += 1) {
  begin(attack);
  if (made % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 20));
}
const { again, every } = attack;
if (again !== undefined)
  setInterval(() => {
    for (const socket of open) if (socket.writable) socket.write(again);
  }, every);
setInterval(() => process.stdout.write(`${JSON.stringify({ tried, open: open.size, closed, answers })}\n`), 250);
