import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { accepts } from './accepts.ts';
import { createCertificate } from './certificate.ts';
import { startProgram, waitUntil } from './child-process.ts';
import { type Replacement, replaceText } from './replace-text.ts';
import { findProgram } from './skip.ts';

export const RECIPES = 'deploy/nginx';

/** Places that the recipes name and a test has elsewhere. */
export interface NginxPlaces {
  readonly tlsPort: number;
  /** The TLS port counts as 443, in the way that gatelodge-maps.conf names. */
  readonly publishedAs443?: boolean;
  readonly plainPort: number;
  readonly gatelodgePort: number;
  readonly applicationPort: number;
  /** Where gatelodge's Unix sockets are. */
  readonly socketDirectory: string;
  /** Stands for app.example.com in minimal.conf. */
  readonly appHost?: string;
  /** Stands for tunnel.example.com in netunnel.conf. */
  readonly tunnelHost?: string;
  /** What else is different in minimal.conf. */
  readonly changes?: readonly Replacement[];
}
export interface Nginx {
  readonly directory: string;
  /** The error log so far. */
  errorLog(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Copies the recipes into `directory`/gatelodge. They run as they stand; only these texts are replaced, and each must occur:
 * ports and addresses to listen on, gatelodge's and the application's address, certificate files, the directory of Unix sockets.
 */
export async function copyRecipes(directory: string, places: NginxPlaces): Promise<void> {
  const { certificate, key } = await createCertificate(directory, [
    places.appHost ?? 'app.example.com',
    'auth.example.com',
  ]);
  const site: Replacement[] = [
    ['listen 443 ssl', `listen 127.0.0.1:${places.tlsPort} ssl`],
    ['listen 80', `listen 127.0.0.1:${places.plainPort}`],
  ];
  const application: Replacement = ['127.0.0.1:3000', `127.0.0.1:${places.applicationPort}`];
  const maps: Replacement[] = places.publishedAs443 === true ? [['"https:443"', `"https:${places.tlsPort}"`]] : [];
  const byFile: Readonly<Record<string, readonly Replacement[]>> = {
    'minimal.conf': [
      ...site,
      application,
      ['/etc/ssl/certs/app.example.com.pem', certificate],
      ['/etc/ssl/private/app.example.com.key', key],
      ...(places.appHost === undefined ? [] : [['app.example.com', places.appHost] as const]),
      ...(places.changes ?? []),
    ],
    'complete.conf': [
      ...site,
      application,
      ['/etc/ssl/certs/example.com.pem', certificate],
      ['/etc/ssl/private/example.com.key', key],
    ],
    'netunnel.conf': [
      ['listen 443 ssl', `listen 127.0.0.1:${places.tlsPort} ssl`],
      ['127.0.0.1:4040', `127.0.0.1:${places.applicationPort}`],
      ['/etc/ssl/certs/tunnel.example.com.pem', certificate],
      ['/etc/ssl/private/tunnel.example.com.key', key],
      ...(places.tunnelHost === undefined ? [] : [['tunnel.example.com', places.tunnelHost] as const]),
    ],
    'nginx-proxy-manager.conf': [application],
    'gatelodge-maps.conf': maps,
    'gatelodge-upstream.conf': [['127.0.0.1:9190', `127.0.0.1:${places.gatelodgePort}`]],
    'unix-socket.conf': [['/run/gatelodge/', `${places.socketDirectory}/`]],
  };
  await mkdir(join(directory, 'gatelodge'));
  for (const file of await readdir(RECIPES)) {
    if (!file.endsWith('.conf')) continue;
    const text = await readFile(join(RECIPES, file), 'utf8');
    await writeFile(join(directory, 'gatelodge', file), replaceText(text, byFile[file] ?? []));
  }
}

/** The main configuration around what a site's administrator would have under /etc/nginx: everything nginx writes stays in `directory`. */
export function mainConfiguration(directory: string, http: string): string {
  // Started as root, nginx would give its workers to a user who may not look into the test's directory.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
${user}
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log info;
events { worker_connections 1024; }
http {
  access_log off;
  ${kinds.map((kind) => `${kind}_temp_path ${directory}/temp-${kind};`).join('\n  ')}
  ${http}
}
`;
}

/** Checks a configuration as `nginx -t` does. @throws with what nginx says against it */
export async function checkNginx(directory: string, http: string, program = 'nginx'): Promise<void> {
  const file = join(directory, 'nginx.conf');
  await writeFile(file, mainConfiguration(directory, http));
  await promisify(execFile)(nginxProgram(program), ['-t', '-q', '-c', file, '-e', join(directory, 'error.log')]);
}

/**
 * Starts nginx and waits until it accepts connections.
 * @param http the content of `http { }`
 * @param program its name, where more than one nginx is installed
 */
export async function startNginx(directory: string, http: string, port: number, program = 'nginx'): Promise<Nginx> {
  await checkNginx(directory, http, program);
  const log = join(directory, 'error.log');
  const running = await startProgram(nginxProgram(program), ['-c', join(directory, 'nginx.conf'), '-e', log]);
  try {
    await waitUntil('nginx', () => accepts(port), running);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    directory,
    errorLog: () => readFile(log, 'utf8'),
    async stop() {
      await running.stop();
    },
  };
}

function nginxProgram(name: string): string {
  const program = findProgram(name);
  if (program === null) throw new Error(`${name} is not installed`);
  return program;
}
