import { createForeignJwtVerifier } from '../adapters/foreign-jwt.ts';
import type { JwtOptions } from '../config/plugin-options.ts';
import { claimAt, type Identity } from '../domain/identity.ts';
import { bearerToken } from './authorization.ts';
import type { BuiltInContext } from './built-in.ts';
import {
  type AuthenticationPlugin,
  CREDENTIALS_REJECTED,
  makeIdentity,
  NOT_RESPONSIBLE,
  type PluginContext,
} from './plugin-api.ts';
import { createRemembered } from './remembered.ts';

interface Known {
  readonly identity: Identity;
  /** In ms; null where the token never expires. */
  readonly expiresAt: number | null;
}

type JwtContext = PluginContext & Pick<BuiltInContext, 'rememberedCounts'>;

/** JSON Web Tokens of another issuer. Its subject is never a user of the directory, and its roles count only where `claims` maps them. */
export function createJwtPlugin(options: JwtOptions, context: JwtContext): AuthenticationPlugin {
  const { clock, instance } = context;
  const verify = createForeignJwtVerifier(options);
  const remembered = createRemembered<Known>(clock, options.remember, context.rememberedCounts);
  const leeway = options.leeway ?? 0;

  const check = (token: string) => async () => {
    const claims = await verify(token, clock());
    if (claims === null) return null;
    const identity = identityFromClaims(claims, options, instance);
    if (identity === null) return null;
    const expiresAt = claims.exp === undefined ? null : claims.exp * 1_000 + leeway;
    return { value: { identity, expiresAt }, until: expiresAt ?? Number.POSITIVE_INFINITY };
  };

  return {
    challenge: 'Bearer',
    identityHeaders: Object.fromEntries(options.forward_claims.map((claim) => [claimHeader(claim), claim])),
    authenticate(request) {
      const token = bearerToken(request.headers.get('authorization'));
      if (token === null) return NOT_RESPONSIBLE;
      const known = remembered.get(token);
      if (known !== undefined) return { kind: 'authenticated', identity: known.identity };
      return remembered
        .check(token, check(token))
        .then((checked) =>
          checked === null ? CREDENTIALS_REJECTED : { kind: 'authenticated', identity: checked.identity },
        );
    },
  };
}

/** `X-Auth-Claim-Department` for `department`. */
export function claimHeader(claim: string): string {
  const words = claim.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return `X-Auth-Claim-${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('-')}`;
}

/** null where the claim that names the user is missing: a token for nobody lets nobody in. */
function identityFromClaims(
  claims: Readonly<Record<string, unknown>>,
  options: JwtOptions,
  instance: string,
): Identity | null {
  const { claims: names } = options;
  const user = text(claimAt(claims, names.user));
  if (user === '') return null;
  const subject = text(claims['sub']) || user;
  // When the token was issued is no login: a token that is renewed by itself would never be too old.
  const loggedIn = claims['auth_time'];
  return makeIdentity({
    subject: `${instance}:${subject}`,
    username: user,
    name: text(claimAt(claims, names.name)),
    email: text(claimAt(claims, names.email)),
    roles: names.roles === undefined ? [] : list(claimAt(claims, names.roles), /,/),
    groups: names.groups === undefined ? [] : list(claimAt(claims, names.groups), /,/),
    scopes: list(claimAt(claims, names.scopes), / /),
    claims,
    authenticatedAt: typeof loggedIn === 'number' ? loggedIn * 1_000 : null,
    methods: [instance],
  });
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : '';
}

function list(value: unknown, separator: RegExp): readonly string[] {
  const members = typeof value === 'string' ? value.split(separator) : Array.isArray(value) ? value : [];
  return members
    .filter((member) => typeof member === 'string')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}
