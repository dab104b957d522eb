import { CREDENTIALS_REJECTED, definePlugin, makeIdentity, NOT_RESPONSIBLE, SESSION_EXPIRED } from 'gatelodge/plugin';
import { readBadge } from './badge.js';
import { optionDescriptions, options } from './options.js';
import { redeemPath } from './redeem.js';

/**
 * Signed visitor badges: `Authorization: Badge <badge>`, or the cookie that the page at `path` sets.
 */
export default definePlugin({
  type: 'badge',
  description: 'Visitor badges: signed, with an end, in a header or a cookie',
  options,
  optionDescriptions,
  // An HMAC takes microseconds. A plugin that asks a server allows for its answer.
  deadline: 500,
  create(given, { instance, clock, log }) {
    // The prefixes make browsers refuse a cookie of the name that was not set over https, or was set by a neighbouring host.
    const cookie = `${given.cookie_domain === null ? '__Host-' : '__Secure-'}${instance.replace(/[^A-Za-z0-9_-]/g, '_')}`;
    log('debug', 'badges are taken', { path: given.path });

    /** @param {import('./badge.js').Badge} badge */
    const identify = (badge) => {
      // No user of the directory can have a colon in the name, so a badge for `admin` never reads as that `admin`.
      const who = `${instance}:${badge.name}`;
      return makeIdentity({
        subject: who,
        username: who,
        roles: given.roles,
        claims: { badge: badge.label },
        methods: [instance],
      });
    };

    return {
      challenge: 'Badge',
      identityHeaders: { 'X-Auth-Badge': 'badge' },
      paths: [redeemPath(given, cookie, clock)],
      authenticate(request) {
        const header = /^badge(?: +|$)(.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
        const presented = header === undefined ? cookies(request.headers.all('cookie'), cookie) : [header];
        const [text] = presented;
        if (text === undefined) return NOT_RESPONSIBLE;
        // Two cookies of one name: one of them was set by somebody else, and nobody can tell which.
        if (presented.length > 1) return CREDENTIALS_REJECTED;
        const badge = readBadge(text, given.secret);
        if (badge === null) return CREDENTIALS_REJECTED;
        if (clock() >= badge.endsAt) return header === undefined ? SESSION_EXPIRED : CREDENTIALS_REJECTED;
        return { kind: 'authenticated', identity: identify(badge) };
      },
    };
  },
});

/**
 * All values that the request's Cookie headers give a name (RFC 6265 section 5.4).
 *
 * @param {readonly string[]} headers
 * @param {string} name
 */
function cookies(headers, name) {
  const pairs = headers.flatMap((header) => header.split(';')).map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}
