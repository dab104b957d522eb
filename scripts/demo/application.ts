import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { portOf } from '../../test/support/free-port.ts';

export interface SampleApplication {
  readonly port: number;
  stop(): Promise<void>;
}

/** An application without a login of its own: it believes the headers, as every application behind gatelodge may. */
export async function startSampleApplication(): Promise<SampleApplication> {
  const server = createServer((request, response) => {
    request.resume();
    const page = (request.headers.accept ?? '').includes('text/html');
    const body = page ? html(request) : `${JSON.stringify({ path: request.url, ...identity(request) }, null, 2)}\n`;
    response.writeHead(200, { 'content-type': page ? 'text/html; charset=utf-8' : 'application/json' });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The headers in which gatelodge says who it is. */
function identity(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith('x-auth-') ? [[name, String(value)]] : [],
    ),
  );
}

function html(request: IncomingMessage): string {
  const rows = Object.entries(identity(request)).map(
    ([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const user = request.headers['x-auth-user'];
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sample application</title>
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:40rem;padding:0 1rem;color-scheme:light dark}th{text-align:left;padding-right:1rem}</style>
<h1>Hello ${escapeHtml(typeof user === 'string' && user !== '' ? user : 'nobody')}</h1>
<p>You reached <code>${escapeHtml(request.url ?? '/')}</code> of an application that has no login of its own. What gatelodge told it:</p>
<table>${rows.join('')}</table>
<ul>
<li><a href="/">/</a> for everybody who is logged in</li>
<li><a href="/admin">/admin</a> for administrators</li>
<li><a href="/health">/health</a> for everybody</li>
<li><a href="/gatelodge/logout">Log out</a></li>
</ul></html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
