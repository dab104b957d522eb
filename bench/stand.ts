import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';
import { createPasswords } from '../src/adapters/passwords.ts';
import { API_KEY_PREFIX } from '../src/domain/api-key.ts';
import { mintSecret } from '../src/domain/secret.ts';
import { fileUserId } from '../src/flows/directory.ts';
import { openSqliteStore } from '../src/stores/sqlite.ts';
import { freePort } from '../test/support/free-port.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { type ReadyProcess, type ServerOptions, startServer } from './process.ts';
import { OTHER_COOKIES } from './requests.ts';

/** Good credentials of one user of the directory, each as header fields. */
export interface Credentials {
  readonly session: Readonly<Record<string, string>>;
  readonly jwt: Readonly<Record<string, string>>;
  readonly token: Readonly<Record<string, string>>;
  readonly apiKey: Readonly<Record<string, string>>;
  readonly apiKeyAsBearer: Readonly<Record<string, string>>;
  readonly basic: Readonly<Record<string, string>>;
}

/** A gatelodge with users, sessions and keys. */
export interface Stand {
  readonly process: ReadyProcess;
  readonly credentials: Credentials;
  stop(): Promise<void>;
}

/** The same before it is started. */
export interface Site {
  readonly directory: string;
  readonly configuration: string;
  readonly database: string;
  readonly port: number;
  readonly credentials: Omit<Credentials, 'token'>;
  remove(): Promise<void>;
}

export interface StandOptions {
  /** Each a line of YAML. */
  readonly rules?: readonly string[];
  /** More lines of gatelodge.yaml. */
  readonly settings?: string;
  /** For Node.js itself. */
  readonly nodeOptions?: readonly string[];
  /** Adds to what is in the database. */
  readonly fill?: (database: string) => void;
}

/** So many can log in at once, each with PASSWORD. */
export const LOGINS = 50;
export const PASSWORD = 'correct horse battery';
const JWT_SECRET = 'a shared secret of 32 bytes or more';
const DAY = 86_400_000;

/** Rules of a small installation: the rows' paths are among them. */
export const RULES: readonly string[] = [
  '{path: /health, authenticate: false}',
  '{host: app.example.com, path: /public, authenticate: false}',
  '{host: app.example.com, path: /mobile/alone, plugins: [mobile]}',
  '{host: app.example.com, path: /mobile, plugins: [session, token, apikey, mobile]}',
  '{host: app.example.com, path: /reports, plugins: [basic, token], roles: [user]}',
  '{host: app.example.com, path: "^/api/v[0-9]+/admin/.*$", regex: true, roles: [admin]}',
  '{host: app.example.com, path: "^/api/v[0-9]+/orders/.*$", regex: true, roles: [user]}',
  '{host: app.example.com, path: /limited, rate_limit: {requests: 1000000, per: 1s}}',
  '{host: "*.example.com", path: /orders, roles: [user]}',
  '{host: app.example.com}',
  '{deny: true}',
];

export async function startStand(
  entry: string,
  { rules = RULES, settings = '', nodeOptions = [], fill }: StandOptions = {},
): Promise<Stand> {
  const site = await prepareSite(rules, settings);
  try {
    fill?.(site.database);
    const process = await startGatelodge(entry, site, { nodeOptions });
    const stop = async (): Promise<void> => {
      await process.stop();
      await site.remove();
    };
    return { process, credentials: { ...site.credentials, token: bearer(await logIn(site.port, 'user-0')) }, stop };
  } catch (error) {
    await site.remove();
    throw error;
  }
}

/** @param rules each a line of YAML @param settings more lines */
export async function prepareSite(rules: readonly string[] = RULES, settings = ''): Promise<Site> {
  const { path, remove } = await tempDir();
  try {
    const port = await freePort();
    const file = join(path, 'gatelodge.yaml');
    const hash = await createPasswords({ concurrency: 1, queue: 1 }).hash(PASSWORD);
    await writeFile(file, `${configuration(port, rules, hash)}${settings}\n`, { mode: 0o600 });
    const database = join(path, 'data', 'gatelodge.db');
    return {
      directory: path,
      configuration: file,
      database,
      port,
      credentials: await storeCredentials(database),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** `gatelodge serve` on what was prepared. */
export function startGatelodge(
  entry: string,
  { configuration, port }: Site,
  {
    nodeOptions = [],
    workers = 1,
    ...where
  }: { nodeOptions?: readonly string[]; workers?: number } & Pick<ServerOptions, 'cores' | 'output'> = {},
): Promise<ReadyProcess> {
  const args = ['serve', '-c', configuration, '--workers', String(workers)];
  return startServer({ program: [process.execPath, ...nodeOptions, entry, ...args], port, ready: '/readyz', ...where });
}

/** An access token by user name and password. */
export async function logIn(port: number, username: string): Promise<string> {
  const body = JSON.stringify({ username, password: PASSWORD });
  const answer = await fetch(`http://127.0.0.1:${port}/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const granted: unknown = await answer.json();
  if (typeof granted === 'object' && granted !== null && 'token' in granted && typeof granted.token === 'string')
    return granted.token;
  throw new Error(`POST /auth answered ${answer.status}`);
}

function configuration(port: number, rules: readonly string[], hash: string): string {
  const user = (index: number): string =>
    `  - {username: user-${index}, password: "${hash}", name: User ${index} Example, email: user-${index}@example.com, roles: [user, orders], groups: [staff]}`;
  return `
listen: {host: 127.0.0.1, port: ${port}}
public_url: https://auth.example.com
front_server: nginx
data_dir: ./data
cookie: {domain: example.com}
users:
${Array.from({ length: LOGINS }, (_, index) => user(index)).join('\n')}
auth_plugins:
  session: {}
  basic: {realm: example.com}
  token: {}
  apikey: {}
  mobile: {type: jwt, secret: ${JWT_SECRET}, algorithm: HS256, audience: mobile-app, claims: {roles: roles}}
auth: {default_plugins: [session, token, apikey]}
paths:
${rules.map((rule) => `  - ${rule}`).join('\n')}
`;
}

async function storeCredentials(database: string): Promise<Omit<Credentials, 'token'>> {
  await mkdir(dirname(database), { mode: 0o700 });
  const store = await openSqliteStore({ file: database });
  const now = Date.now();
  const userId = fileUserId('user-0');
  const cookie = mintSecret();
  const times = { createdAt: now, authenticatedAt: now, expiresAt: now + DAY, lastSeenAt: now };
  await store.sessions.insert({ id: cookie.id, secretHash: cookie.secretHash, userId, idle: DAY, ...times });
  const key = mintSecret(API_KEY_PREFIX);
  const about = {
    ...{ userId, name: 'bench', scopes: ['orders'], roles: null, networks: [], previous: null, createdBy: null },
    ...{ createdAt: now, notBefore: null, expiresAt: null, rotatedAt: null, lastUsedAt: null },
  };
  await store.apiKeys.insert({ id: key.id, secretHash: key.secretHash, ...about });
  await store.close();
  return {
    session: { Cookie: `${OTHER_COOKIES}; __Secure-gatelodge=${cookie.text}` },
    jwt: bearer(await foreignToken(now)),
    apiKey: { 'X-API-Key': key.text },
    apiKeyAsBearer: bearer(key.text),
    basic: { Authorization: `Basic ${Buffer.from(`user-0:${PASSWORD}`).toString('base64')}` },
  };
}

function foreignToken(now: number): Promise<string> {
  const seconds = Math.floor(now / 1_000);
  const claims = {
    sub: '8d7f2c',
    name: 'User of the App',
    email: 'user@mobile.example',
    roles: ['user'],
    scope: 'orders',
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + DAY / 1_000)
    .setAudience('mobile-app')
    .setIssuer('https://mobile.example')
    .sign(Buffer.from(JWT_SECRET));
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}
