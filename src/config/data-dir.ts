import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { GatelodgeError } from '../domain/errors.ts';
import { fileFailure } from '../domain/system-failure.ts';

const SECRET_FILE = 'secret';
const SECRET_BYTES = 48;
const SHORTEST_SECRET = 32;

/** Makes the data directory, mode 0700, where it is missing. Throws `configuration-invalid` where it cannot be. */
export function ensureDataDir(dir: string): void {
  orInvalid(`the data directory ${dir} cannot be made`, () => mkdirSync(dir, { recursive: true, mode: 0o700 }));
}

/**
 * The service's secret from the data directory, made there once with mode 0600. Processes that start at once agree on one.
 * Throws `configuration-invalid` where it is shorter than 32 bytes or others than its owner can read it.
 */
export function loadOrCreateSecret(dir: string): string {
  const file = join(dir, SECRET_FILE);
  return orInvalid(`the secret file ${file} cannot be read or made`, () => {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) createSecret(dir, file);
    return readSecret(file);
  });
}

function readSecret(file: string): string {
  if ((statSync(file).mode & 0o077) !== 0)
    throw invalid(`others than its owner can read or change the secret file ${file}: chmod 600 ${file}`);
  const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  if (Buffer.byteLength(secret) < SHORTEST_SECRET)
    throw invalid(`the secret in ${file} is shorter than ${SHORTEST_SECRET} bytes: openssl rand -hex 32 makes one`);
  return secret;
}

/** Written aside and linked into place whole: nobody ever reads half a secret, and whoever comes second takes the first one's. */
function createSecret(dir: string, file: string): void {
  const aside = join(dir, `.${SECRET_FILE}.${randomBytes(8).toString('hex')}`);
  const descriptor = openSync(aside, 'wx', 0o600);
  try {
    writeSync(descriptor, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
    fsyncSync(descriptor);
    linkSync(aside, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    closeSync(descriptor);
    rmSync(aside, { force: true });
  }
}

function orInvalid<T>(message: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof GatelodgeError ? error : invalid(`${message}: ${fileFailure(error)}`, error);
  }
}

function invalid(message: string, cause?: unknown): GatelodgeError {
  return new GatelodgeError('configuration-invalid', message, { cause });
}
