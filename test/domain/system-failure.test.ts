import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fileFailure, listenFailure } from '../../src/domain/system-failure.ts';
import { tempDir } from '../support/temp-dir.ts';

async function listen(options: ListenOptions): Promise<Server> {
  const server = createServer().listen(options);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return server;
}

const whyNot = (options: ListenOptions): Promise<string | null> =>
  listen(options).then(
    () => 'it listens',
    (error: unknown) => listenFailure(error),
  );

describe('why a process cannot listen', () => {
  it('names the address that is taken', async () => {
    const taken = (await listen({ host: '127.0.0.1', port: 0 })).address();
    const port = typeof taken === 'object' ? taken?.port : undefined;
    expect(await whyNot({ host: '127.0.0.1', port: Number(port) })).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${port}: something listens there already.* \\(EADDRINUSE\\)$`),
    );
  });

  it('names an address that this machine does not have, also one of IPv6', async () => {
    // Addresses for documentation are nobody's (RFC 5737, RFC 3849).
    expect(await whyNot({ host: '192.0.2.1', port: 1 })).toBe(
      '192.0.2.1:1: this machine has no such address (EADDRNOTAVAIL)',
    );
    expect(await whyNot({ host: '2001:db8::1', port: 1 })).toMatch(/^\[2001:db8::1\]:1: .*\(E[A-Z]+\)$/);
  });

  it('names a socket whose directory is missing', async () => {
    expect(await whyNot({ path: '/nowhere/gatelodge.sock' })).toMatch(
      /^\/nowhere\/gatelodge\.sock: the directory of the socket is missing.* \(EACCES\)$/,
    );
  });

  it('takes nothing else for such a failure', () => {
    expect(listenFailure(new Error('listen EADDRINUSE'))).toBeNull();
    expect(listenFailure({ syscall: 'listen', code: 'EADDRINUSE' })).toBeNull();
    expect(listenFailure(Object.assign(new Error(), { syscall: 'read', code: 'ECONNRESET' }))).toBeNull();
  });
});

describe('why a file cannot be used', () => {
  it('is told in words, without the path', async () => {
    const directory = await tempDir();
    onTestFinished(directory.remove);
    const why = (action: () => unknown): string => {
      try {
        action();
      } catch (error) {
        expect(fileFailure(error)).not.toContain(directory.path);
        return fileFailure(error);
      }
      return 'it works';
    };
    expect(why(() => readFileSync(join(directory.path, 'a')))).toBe('there is no such file or directory (ENOENT)');
    expect(why(() => readFileSync(directory.path))).toBe('it is a directory (EISDIR)');
    expect(why(() => readdirSync('/dev/null'))).toBe('a part of its path is no directory (ENOTDIR)');
    expect(why(() => mkdirSync(directory.path))).toBe('EEXIST');
    expect(why(() => new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from([0xff])))).toBe('it is not UTF-8');
  });
});
