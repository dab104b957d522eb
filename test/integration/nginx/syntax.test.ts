import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkNginx, copyRecipes, RECIPES } from '../../support/nginx.ts';
import { missing } from '../../support/skip.ts';
import { type TempDir, tempDir } from '../../support/temp-dir.ts';

/** What each file's first comment says about where it goes. Snippets for one place are checked in the sites that include them. */
const MAPS = 'include gatelodge/gatelodge-maps.conf;';
const UPSTREAM = 'include gatelodge/gatelodge-upstream.conf;';
const SITE =
  'server { include gatelodge/gatelodge-location.conf; location / { include gatelodge/gatelodge-auth.conf; }';
const CHECKS: Readonly<Record<string, string>> = {
  'minimal.conf': 'include gatelodge/minimal.conf;',
  'complete.conf': 'include gatelodge/complete.conf;',
  'netunnel.conf': 'include gatelodge/netunnel.conf;',
  'unix-socket.conf': `${MAPS} include gatelodge/unix-socket.conf; ${SITE} }`,
  'gatelodge-maps.conf': `${MAPS} ${UPSTREAM} ${SITE} }`,
  'gatelodge-upstream.conf': UPSTREAM,
  'gatelodge-location.conf': `${MAPS} ${UPSTREAM} ${SITE} }`,
  'gatelodge-auth.conf': `${MAPS} ${UPSTREAM} ${SITE} }`,
  'gatelodge-headers.conf': `${MAPS} ${UPSTREAM} ${SITE} location = /a { include gatelodge/gatelodge-headers.conf; } }`,
  'gatelodge-identity-jwt.conf': `${MAPS} ${UPSTREAM} ${SITE} location /c { include gatelodge/gatelodge-auth.conf; include gatelodge/gatelodge-identity-jwt.conf; } }`,
  'gatelodge-pages.conf': `${MAPS} ${UPSTREAM} ${SITE} location /b/ { include gatelodge/gatelodge-pages.conf; proxy_pass http://gatelodge_pages/b/; } }`,
  'nginx-proxy-manager.conf': `${MAPS} ${UPSTREAM} server { include gatelodge/nginx-proxy-manager.conf; }`,
};

describe.skipIf(missing('nginx', 'openssl'))('nginx -t', () => {
  let directory: TempDir;
  beforeAll(async () => {
    directory = await tempDir();
    await copyRecipes(directory.path, {
      tlsPort: 8443,
      plainPort: 8080,
      gatelodgePort: 9190,
      applicationPort: 3000,
      socketDirectory: directory.path,
    });
  });
  afterAll(() => directory.remove());

  test('every recipe is checked', async () => {
    const recipes = (await readdir(RECIPES)).filter((file) => file.endsWith('.conf'));
    expect(Object.keys(CHECKS).sort()).toEqual(recipes.sort());
  });

  test.each(Object.entries(CHECKS))('%s', async (_file, http) => {
    await checkNginx(directory.path, http.replaceAll('server {', 'server { listen 127.0.0.1:8080;'));
  });

  test('a broken one is noticed', async () => {
    await expect(checkNginx(directory.path, `${UPSTREAM} ${SITE} }`)).rejects.toThrow(
      /unknown "gatelodge_\w+" variable/,
    );
  });
});
