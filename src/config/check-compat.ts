import { readRsaKey } from '../adapters/rsa-jwt.ts';
import { type ConfigurationDocument, locate } from './document.ts';
import type { Reporter } from './reporter.ts';
import type { Configuration } from './schema.ts';

/** What stands at the mount's own path would silently take the place of one of these. */
const OWN_PATHS =
  /^\/(?:login|logout|signup|verify-email|forgot-password|reset-password|account|admin|auth|refresh|revoke|introspect|jwks|userinfo|healthz|readyz|(?:api|\.well-known)(?:\/.*)?)$/;

/** What more than one key is needed to judge about the calls of other systems, and what only a library can. */
export function checkCompat(configuration: Configuration, document: ConfigurationDocument, reporter: Reporter): void {
  const { jwthenticator } = configuration.compat;
  const path = ['compat', 'jwthenticator'];
  const internal = jwthenticator?.internal === 'listener';
  const single = locate(document, ['listen', 0]) === null;
  const own = configuration.listen.flatMap(({ serves }, index) =>
    serves.includes('internal') ? [{ serves, index }] : [],
  );
  for (const { serves, index } of own) {
    const place = single ? ['listen', 'serves'] : ['listen', index, 'serves'];
    if (serves.some((part) => part !== 'internal'))
      reporter.report('contradictory-options', place, 'internal needs a listener of its own');
    if (!internal)
      reporter.report(
        'contradictory-options',
        place,
        'nothing is internal without compat.jwthenticator.internal: listener',
      );
  }
  if (internal && own.length === 0)
    reporter.report('missing-key', [...path, 'internal'], 'no listener serves it: add one with serves: [internal]');
  if (jwthenticator === undefined) return;
  // Checks are found by the beginning of the raw target, before anything else is.
  if (/^\/validate(?:\/|$)/.test(jwthenticator.path))
    reporter.report('invalid-value', [...path, 'path'], 'checks are answered below /validate');
  if (OWN_PATHS.test(jwthenticator.path))
    reporter.report('invalid-value', [...path, 'path'], 'gatelodge’s own pages and calls are there');
  if (jwthenticator.private_key === undefined) return;
  try {
    readRsaKey(jwthenticator.private_key);
  } catch (error) {
    const why = error instanceof TypeError ? error.message : 'it cannot be read';
    reporter.report('invalid-value', [...path, 'private_key'], `the key cannot be used: ${why}`);
  }
}
