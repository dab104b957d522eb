import { createServer } from 'node:http';
import { portOf } from '../test/support/free-port.ts';
import type { RecordedAnswer } from './answer.ts';

// What every service on node:http pays at least: it reads the same requests, decides nothing and gives the same answer.
// argv: the answer as JSON. Prints its port. The limits are those of src/http/listener.ts.
const { status, headers } = JSON.parse(process.argv[2] ?? '') as RecordedAnswer; // written by the bench itself
const answer = [...headers];
const server = createServer({ keepAliveTimeout: 75_000, maxHeaderSize: 65_536 }, (_request, response) => {
  response.writeHead(status, answer).end();
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${portOf(server.address())}\n`));
process.once('SIGTERM', () => server.close());
