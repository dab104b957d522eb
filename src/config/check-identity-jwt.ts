import { isSameKey, readPrivateKey } from '../adapters/private-key.ts';
import type { Reporter } from './reporter.ts';
import type { Configuration } from './schema.ts';

/** Claims with a meaning of their own (RFC 7519 section 4.1, OpenID Connect Core section 5.1), which gatelodge writes or never does. */
const TAKEN = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'preferred_username', 'email', 'name', 'scope'];
const SHORTEST = 1_000;

/** What more than one key is needed to judge about identity JWTs, and whether one's own key can sign them. */
export function checkIdentityJwt(configuration: Configuration, reporter: Reporter): void {
  const { identity_jwt: jwt, tokens, anonymous, public_url: publicUrl } = configuration;
  if (!jwt.enabled) return;
  const refuse = (key: string, message: string) => reporter.report('invalid-value', ['identity_jwt', key], message);
  if (jwt.private_key !== undefined) {
    const { key, why } = readPrivateKey(jwt.private_key, jwt.algorithm);
    const other = configuration.compat.jwthenticator?.private_key;
    if (why !== null) refuse('private_key', `the key cannot be used: ${why}`);
    else if (other !== undefined && isSameKey(key, other))
      refuse('private_key', 'signs the tokens of compat.jwthenticator, too: one key is for one kind of token');
  }
  if (TAKEN.includes(jwt.roles_claim)) refuse('roles_claim', 'this claim means something else');
  if (jwt.lifetime < SHORTEST) refuse('lifetime', 'must be at least 1s');
  const issuer = jwt.issuer ?? publicUrl;
  const accessIssuer = tokens.issuer ?? publicUrl;
  if (same(issuer, accessIssuer) && jwt.audience === (tokens.audience ?? accessIssuer?.replace(/\/$/, '')))
    refuse('audience', 'is that of access tokens: who checks issuer and audience alone could not tell them apart');
  if (anonymous.roles.length > 0 && anonymous.user === '')
    reporter.report('invalid-value', ['anonymous', 'roles'], 'need a user to whom an identity JWT can give them');
}

function same(one: string | undefined, other: string | undefined): boolean {
  return one?.replace(/\/$/, '') === other?.replace(/\/$/, '');
}
