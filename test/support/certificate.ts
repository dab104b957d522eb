import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Writes a self-signed certificate for the hosts, valid for a day, into a directory. Needs openssl. */
export async function createCertificate(
  directory: string,
  hosts: readonly string[],
): Promise<{ certificate: string; key: string }> {
  const certificate = join(directory, 'certificate.pem');
  const key = join(directory, 'certificate.key');
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=gatelodge test',
    '-addext',
    `subjectAltName=${names}`,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  return { certificate, key };
}
