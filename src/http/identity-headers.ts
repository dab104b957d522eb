import type { Configuration } from '../config/schema.ts';
import { claimAt, type Identity } from '../domain/identity.ts';

/** Header name → field of the identity, or claim. */
export type IdentityHeaders = ReadonlyArray<readonly [header: string, source: string]>;

const PRESETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'x-auth': {
    'X-Auth-User': 'user',
    'X-Auth-Subject': 'subject',
    'X-Auth-Name': 'name',
    'X-Auth-Email': 'email',
    'X-Auth-Roles': 'roles',
    'X-Auth-Groups': 'groups',
    'X-Auth-Method': 'method',
  },
  remote: {
    'Remote-User': 'user',
    'Remote-Subject': 'subject',
    'Remote-Name': 'name',
    'Remote-Email': 'email',
    'Remote-Roles': 'roles',
    'Remote-Groups': 'groups',
    'Remote-Method': 'method',
  },
  'x-forwarded': {
    'X-Forwarded-User': 'user',
    'X-Forwarded-Preferred-Username': 'user',
    'X-Forwarded-Email': 'email',
    'X-Forwarded-Roles': 'roles',
    'X-Forwarded-Groups': 'groups',
  },
  'python-auth-proxy': {
    'X-Auth-User': 'user',
    'X-Auth-Role': 'roles',
    'X-Auth-User-ID': 'subject',
    'X-Auth-User-Email': 'email',
    'X-Auth-User-Name': 'name',
    'X-Auth-User-Groups': 'groups',
    'X-Auth-User-Roles': 'roles',
    'X-Auth-User-Claims': 'claims',
  },
};

/** In front of a source that is a claim whatever it is called: a plugin may hand on a claim named `roles`. */
const CLAIM = 'claim:';

/**
 * The headers of every allowed answer: the preset's, those that the configuration adds, and those that plugins add. None of
 * these takes the place of the preset's: it would say something else of everybody, and empty it for whom the plugin does not know.
 */
export function compileIdentityHeaders(
  configured: Configuration['identity_headers'],
  ofPlugins: ReadonlyArray<Readonly<Record<string, string>>> = [],
): IdentityHeaders {
  const { preset = 'x-auth', ...added } = typeof configured === 'string' ? { preset: configured } : configured;
  const byName = new Map<string, readonly [string, string]>();
  for (const [header, source] of [
    ...ofPlugins.flatMap((one) => Object.entries(one).map(([header, claim]) => [header, `${CLAIM}${claim}`] as const)),
    ...Object.entries(PRESETS[preset] ?? {}),
    ...Object.entries(added),
  ]) {
    byName.set(header.toLowerCase(), [header, source]);
  }
  return [...byName.values()];
}

/** Names and values in turn, as `writeHead` takes them. Every header is there, empty where nothing is known. */
export function renderIdentityHeaders(headers: IdentityHeaders, identity: Identity | null): string[] {
  return headers.flatMap(([header, source]) => [header, identity === null ? '' : fieldOf(identity, source)]);
}

function fieldOf(identity: Identity, source: string): string {
  switch (source) {
    case 'user':
      return encodeValue(identity.username);
    case 'subject':
      return encodeValue(identity.subject);
    case 'name':
      return encodeValue(identity.name);
    case 'email':
      return encodeValue(identity.email);
    case 'roles':
      return encodeList(identity.roles);
    case 'groups':
      return encodeList(identity.groups);
    case 'method':
      return identity.methods.map(encodeValue).join('+');
    case 'claims':
      return encodeValue(JSON.stringify(identity.claims));
    default:
      return claimOf(identity, source.startsWith(CLAIM) ? source.slice(CLAIM.length) : source);
  }
}

function claimOf(identity: Identity, name: string): string {
  const value = claimAt(identity.claims, name);
  if (Array.isArray(value) && value.every((member) => typeof member === 'string')) return encodeList(value);
  if (typeof value === 'string') return encodeValue(value);
  return value === undefined || value === null ? '' : encodeValue(JSON.stringify(value));
}

/**
 * Percent-encodes, as UTF-8, what is not visible ASCII, and the percent sign itself so that it can be undone. A blank
 * between visible characters stays: names have them, and header values may.
 */
export function encodeValue(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(/^ +| +$|[^\x20-\x24\x26-\x7e]+/gu, (part) => encodeURIComponent(part.toWellFormed()));
}

const PLAIN = /^(?:[\x21-\x24\x26-\x7e](?:[\x20-\x24\x26-\x7e]*[\x21-\x24\x26-\x7e])?)?$/;

function encodeList(members: readonly string[]): string {
  return members.map((member) => encodeValue(member).replaceAll(',', '%2C')).join(',');
}
