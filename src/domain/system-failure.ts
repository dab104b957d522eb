/** What a failed system call on a file means, for people. What is not here is told by its code alone. */
const FILE_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already, perhaps another gatelodge',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name cannot be looked up now',
};

const LISTEN_CALLS: readonly unknown[] = ['listen', 'bind', 'getaddrinfo'];

/** The code of a failed system call, `unknown` where it is something else. */
export function failureCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

/** Why a file cannot be read or made, without its path: `there is no such file or directory (ENOENT)`. */
export function fileFailure(error: unknown): string {
  if (error instanceof TypeError) return 'it is not UTF-8';
  return withCode(FILE_FAILURES, failureCode(error));
}

/** Why a process cannot listen, and where: `127.0.0.1:9190: something listens there already (EADDRINUSE)`. Null for any other failure. */
export function listenFailure(error: unknown): string | null {
  if (!(error instanceof Error && 'syscall' in error && LISTEN_CALLS.includes(error.syscall))) return null;
  const { address, port, hostname } = error as { address?: unknown; port?: unknown; hostname?: unknown };
  const code = failureCode(error);
  const tcp = typeof port === 'number' && port >= 0;
  const host = String(address ?? hostname ?? 'an address').replace(/^.*:.*$/, tcp ? '[$&]' : '$&');
  const denied = tcp
    ? 'a port below 1024 needs a privilege that this user lacks'
    : 'the directory of the socket is missing, or may not be written';
  return `${host}${tcp ? `:${port}` : ''}: ${withCode({ ...LISTEN_FAILURES, EACCES: denied }, code)}`;
}

function withCode(words: Readonly<Record<string, string>>, code: string): string {
  const known = Object.hasOwn(words, code) ? words[code] : undefined;
  return known === undefined ? code : `${known} (${code})`;
}
