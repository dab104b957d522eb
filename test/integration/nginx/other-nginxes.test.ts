import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ask } from '../../support/http-client.ts';
import { RECIPES } from '../../support/nginx.ts';
import { ALICE, startNginxStack } from '../../support/nginx-stack.ts';
import { replaceText } from '../../support/replace-text.ts';
import { missing } from '../../support/skip.ts';

const recipe = (file: string): Promise<string> => readFile(join(RECIPES, file), 'utf8');
/** Directives without comments and indentation. */
const directives = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '');

describe('what is not run, compared with what is', () => {
  const object = z.object({
    kind: z.string(),
    data: z.record(z.string(), z.string()).optional(),
    metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
  });

  test('ingress-nginx.yaml has the values of the recipes', async () => {
    const text = await recipe('ingress-nginx.yaml');
    expect(text).toContain('NOT RUN');
    const documents = parseAllDocuments(text).map((document) => object.parse(document.toJS()));
    const location = await recipe('gatelodge-location.conf');
    const sent = new Map(
      directives(location).flatMap((line) =>
        [...line.matchAll(/^proxy_set_header (\S+) (.*);$/g)].map((match) => [match[1], match[2]]),
      ),
    );
    const identity = [...(await recipe('gatelodge-auth.conf')).matchAll(/\$upstream_http_(x_auth_\w+);/g)]
      .map((match) => match[1])
      .filter((name) => name !== 'x_auth_redirect' && name !== 'x_auth_page');
    const path = /proxy_pass http:\/\/gatelodge(\/\S+);/.exec(location)?.[1];
    expect(path).toBe('/validate/nginx');

    const headers = documents.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
    expect(Object.keys(headers)).toEqual(['X-Forwarded-Host', 'X-Forwarded-Uri', 'X-Forwarded-Method']);
    // Its template sends the client's own Host with its port, so the port is not added here.
    expect(`${headers['X-Forwarded-Host']}$gatelodge_port`).toBe(sent.get('X-Forwarded-Host'));
    for (const name of ['X-Forwarded-Uri', 'X-Forwarded-Method']) expect(`"${headers[name]}"`).toBe(sent.get(name));

    const annotated = documents.filter(({ metadata }) => metadata.annotations !== undefined);
    expect(annotated.map(({ metadata }) => metadata.name)).toEqual(['app', 'app-api']);
    for (const { metadata } of annotated) {
      const annotation = (name: string): string | undefined =>
        metadata.annotations?.[`nginx.ingress.kubernetes.io/${name}`];
      expect(new URL(annotation('auth-url') ?? '').pathname).toBe(path);
      expect(
        annotation('auth-response-headers')
          ?.split(',')
          .map((name) => name.toLowerCase().replaceAll('-', '_')),
      ).toEqual(identity);
      expect(annotation('auth-proxy-set-headers')).toBe('gatelodge/gatelodge-headers');
      // return-url.test.ts shows that a login with such an rd leads back.
      expect(annotation('auth-signin')).toBe(
        metadata.name === 'app' ? 'https://auth.example.com/login?rd=https://$host$request_uri' : undefined,
      );
    }
  });

  test('nginx-proxy-manager.conf is the server block of minimal.conf', async () => {
    const text = await recipe('nginx-proxy-manager.conf');
    expect(text).toContain('NOT RUN inside');
    const minimal = await recipe('minimal.conf');
    const server = minimal.slice(
      minimal.indexOf('include gatelodge/gatelodge-location.conf;'),
      minimal.lastIndexOf('}'),
    );
    expect(directives(text)).toEqual(
      directives(replaceText(server, [['http://application;', 'http://127.0.0.1:3000;']])),
    );
  });
});

describe.skipIf(missing('nginx', 'openssl'))(
  'nginx-proxy-manager.conf in a server block such as that program writes',
  () => {
    test('decides, redirects and hands the identity on', async () => {
      const stack = await startNginxStack('minimal', {
        http: (port) => `
        include gatelodge/gatelodge-maps.conf;
        include gatelodge/gatelodge-upstream.conf;
        server {
          listen 127.0.0.1:${port} ssl;
          server_name app.example.com;
          ssl_certificate certificate.pem;
          ssl_certificate_key certificate.key;
          include gatelodge/nginx-proxy-manager.conf;
        }`,
      });
      try {
        const refused = await ask(`${stack.app}/page`, { headers: { 'sec-fetch-mode': 'navigate' } });
        expect(refused.headers.location).toBe(`${stack.pages}/login?rd=${encodeURIComponent(`${stack.app}/page`)}`);
        const allowed = await ask(`${stack.app}/api/page`, {
          headers: {
            'x-auth-user': 'forged',
            authorization: `Basic ${Buffer.from(`${ALICE.username}:${ALICE.password}`).toString('base64')}`,
          },
        });
        expect(allowed.status).toBe(200);
        expect(stack.application.requests[0]?.headers['x-auth-user']).toEqual(['alice']);
      } finally {
        await stack.stop();
      }
    });
  },
);
