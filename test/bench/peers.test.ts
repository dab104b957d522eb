import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { siteConfiguration } from '../../bench/nginx.ts';
import { readOptions } from '../../bench/options.ts';
import { runParts } from '../../bench/parts.ts';
import { PEERS } from '../../bench/peers.ts';
import { renderReport } from '../../bench/report.ts';
import { checkNginx } from '../support/nginx.ts';
import { missing } from '../support/skip.ts';
import { tempDir } from '../support/temp-dir.ts';

const ENTRY = resolve(process.env['GATELODGE_ENTRY'] ?? 'src/bin.ts');
const SHORT = { ...readOptions(['--only', 'peers'], {}), entry: ENTRY, rounds: 2, duration: 100 };

const removals: (() => Promise<void>)[] = [];
const path = process.env['PATH'] ?? '';
afterEach(async () => {
  process.env['PATH'] = path;
  for (const remove of removals.splice(0)) await remove();
});

/** Puts a program of that name in front of the PATH. */
async function install(name: string, source: string): Promise<void> {
  const directory = await tempDir();
  removals.push(directory.remove);
  const file = join(directory.path, name);
  await writeFile(file, `#!${process.execPath}\n${source}`);
  await chmod(file, 0o755);
  process.env['PATH'] = `${directory.path}:${process.env['PATH']}`;
}

/** Speaks as oauth2-proxy does, as far as the bench goes: address from its configuration, session by its form, and every check costs. */
const STAND_IN = `
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const file = process.argv[2].replace('--config=', '');
const port = Number(/http_address = "127.0.0.1:(\\d+)"/.exec(readFileSync(file, 'utf8'))[1]);
createServer((request, response) => {
  const end = (status, headers = {}, text = '') =>
    response.writeHead(status, { 'Content-Length': text.length, ...headers }).end(text);
  if (request.url === '/ping') end(200);
  else if (request.url === '/oauth2/sign_in' && request.method === 'POST')
    end(302, { 'Set-Cookie': '_oauth2_proxy=good; Path=/; Secure' });
  else if (request.url === '/oauth2/auth' && /; _oauth2_proxy=good$/.test(request.headers.cookie)) end(202, {}, 'Accepted');
  else end(401);
}).listen(port, '127.0.0.1');
process.once('SIGTERM', () => process.exit());
`;

test('a program on the PATH is measured beside gatelodge, and others are named as missing', async () => {
  await install('oauth2-proxy', STAND_IN);
  const results = await runParts(SHORT, () => {});
  expect(results.failed).toEqual([]);
  expect(results.missing).not.toContain('oauth2-proxy');
  const measured = results.peers.find(({ name }) => name === 'oauth2-proxy');
  expect(measured?.direct.second.rate).toBeGreaterThan(0);
  expect(measured?.memory.second).toBeGreaterThan(20);
  const report = renderReport({ ...results, missing: ['authelia'] }, SHORT, new Date(0));
  expect(report).toContain('| oauth2-proxy |');
  expect(report).toContain('**authelia**: not found');
});

test('a program that refuses its own session is a failure, not a fast program', async () => {
  await install('oauth2-proxy', STAND_IN.replace('=good$', '=other$'));
  const results = await runParts(SHORT, () => {});
  expect(results.failed).toEqual(['peers oauth2-proxy']);
});

test('configurations name the addresses that are replaced, and every file that is copied is there', async () => {
  for (const { name, files, address } of PEERS) {
    expect(files).toContain(address.file);
    for (const file of files) expect(await readFile(join('bench/peers', file), 'utf8')).not.toBe('');
    expect(await readFile(join('bench/peers', address.file), 'utf8')).toContain(address.text(address.port));
    expect(await readFile(join('bench/peers', `${name}.nginx.conf`), 'utf8')).toContain(`127.0.0.1:${address.port}`);
  }
});

test.skipIf(missing('nginx'))('nginx understands its configuration before each program', async () => {
  for (const { name } of PEERS) {
    const directory = await tempDir();
    removals.push(directory.remove);
    const site = await readFile(join('bench/peers', `${name}.nginx.conf`), 'utf8');
    await checkNginx(directory.path, siteConfiguration(site, directory.path, 8_080, 8_081));
  }
});
