import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort } from '../test/support/free-port.ts';
import { replaceText } from '../test/support/replace-text.ts';
import { findProgram } from '../test/support/skip.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { seeAnswer } from './answer.ts';
import type { Comparison } from './compare.ts';
import { compareWarm, sideOf } from './measure.ts';
import { type MeasuredNginx, NGINX, startNginx } from './nginx.ts';
import type { Options } from './options.ts';
import { authelia } from './peers/authelia.ts';
import { oauth2Proxy } from './peers/oauth2-proxy.ts';
import type { Peer } from './peers/peer.ts';
import { vouchProxy } from './peers/vouch-proxy.ts';
import { type ReadyProcess, startServer } from './process.ts';
import { type Check, checkRequest, clientRequest, OTHER_COOKIES } from './requests.ts';
import { pageCheck } from './rows.ts';
import type { Stand } from './stand.ts';
import { type BackedComparison, compareBacked, startRecipe } from './through-nginx.ts';
import { residentMemory } from './usage.ts';

export const PEERS: readonly Peer[] = [oauth2Proxy, vouchProxy, authelia];
const FILES = join(import.meta.dirname, 'peers');

/** gatelodge, the first, beside another program. */
export interface PeerResult {
  readonly name: string;
  readonly direct: Comparison;
  /** null where there is no nginx. */
  readonly behind: BackedComparison | null;
  /** In MB, after the direct load. */
  readonly memory: { readonly first: number; readonly second: number };
}

/**
 * Checks of a live session by cookie.
 * @param name of one of PEERS
 * @throws where it is not installed, does not start, or refuses its own session
 */
export async function measurePeer(name: string, stand: Stand, options: Options): Promise<PeerResult> {
  const peer = PEERS.find((known) => known.name === name);
  const program = findProgram(name);
  if (peer === undefined || program === null) throw new Error(`${name} is not installed`);
  const directory = await tempDir();
  const stops: (() => Promise<void>)[] = [directory.remove];
  try {
    const process = await startPeer(peer, resolve(program), directory.path);
    stops.push(process.stop);
    const check = pageCheck({ Cookie: `${OTHER_COOKIES}; ${await peer.logIn(process.port)}` });
    const direct = await compareDirectly(peer, process, check, stand, options);
    const memory = { first: residentMemory(stand.process.pid), second: residentMemory(process.pid) };
    if (NGINX === null) return { name, direct, behind: null, memory };
    const [ours, theirs] = [await startRecipe(stand.process.port), await startPeersNginx(peer, process.port)];
    stops.push(ours.stop, theirs.stop);
    const request = clientRequest(pageCheck(stand.credentials.session));
    const first = { nginx: ours, service: stand.process, request };
    const second = { nginx: theirs, service: process, request: clientRequest(check) };
    return { name, direct, behind: await compareBacked(first, second, options), memory };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function startPeer(
  { files, args, address, ready }: Peer,
  program: string,
  directory: string,
): Promise<ReadyProcess> {
  for (const file of files) await copyFile(join(FILES, file), join(directory, file));
  const port = await freePort();
  const configuration = join(directory, address.file);
  const text = await readFile(configuration, 'utf8');
  await writeFile(configuration, replaceText(text, [[address.text(address.port), address.text(port)]]));
  return startServer({ program: [program, ...args], port, ready, cwd: directory, silent: true });
}

async function compareDirectly(
  peer: Peer,
  process: ReadyProcess,
  check: Check,
  stand: Stand,
  options: Options,
): Promise<Comparison> {
  const request = checkRequest(check, peer.check.path);
  // Some answer a check with content, which a front server throws away.
  const { status, content } = await seeAnswer(process.port, request);
  if (status !== peer.check.status) throw new Error(`${peer.name} answered a good session with ${status}`);
  const ours = await sideOf(stand.process, [checkRequest(pageCheck(stand.credentials.session))], 200);
  return compareWarm(ours, await sideOf(process, [request], status, content), options);
}

/** nginx before the peer, after the peer's own documentation. */
async function startPeersNginx({ name, address }: Peer, port: number): Promise<MeasuredNginx> {
  const site = await readFile(join(FILES, `${name}.nginx.conf`), 'utf8');
  return startNginx(replaceText(site, [[`127.0.0.1:${address.port}`, `127.0.0.1:${port}`]]));
}
