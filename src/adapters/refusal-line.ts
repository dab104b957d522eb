import { createRecentMap } from '../domain/recent-map.ts';

/** What the line about a refused check tells; null where it is not known. */
export interface Refusal {
  readonly effect: string;
  readonly reason: string;
  readonly rule: number;
  readonly address: string | null;
  readonly user: string | null;
  readonly method: string | null;
  readonly host: string | null;
  readonly path: string | null;
  readonly requestId: string | null;
}

/** Texts that are the same in many lines are kept as they stand there: so many at most. */
const MOST_KEPT = 1_000;

/**
 * The same line as `audit` would write, put together by hand from as few parts as can be: a serializer for everything costs
 * five times as much, and every part of a text is an object until the line is written.
 * @param hide what becomes of a user's name or an address, before anybody sees it
 */
export function createRefusalLines(hide: (text: string) => string): (refusal: Refusal) => string {
  const beginning = createBeginnings();
  const outcomes = createRecentMap<Map<number, string>>(MOST_KEPT);
  const hosts = createRecentMap<string>(MOST_KEPT);

  function outcome(effect: string, reason: string, rule: number): string {
    // A reason has one effect.
    let ofReason = outcomes.get(reason);
    if (ofReason === undefined || ofReason.size >= MOST_KEPT) {
      ofReason = new Map();
      outcomes.set(reason, ofReason);
    }
    let text = ofReason.get(rule);
    if (text === undefined) {
      text = `,"effect":${quoted(effect)},"reason":${quoted(reason)},"rule":${rule}`;
      ofReason.set(rule, text);
    }
    return text;
  }

  function target(method: string, host: string): string {
    if (method !== 'GET') return `,"method":${quoted(method)},"host":${quoted(host)},"path":`;
    let text = hosts.get(host);
    if (text === undefined) {
      text = `,"method":"GET","host":${quoted(host)},"path":`;
      hosts.set(host, text);
    }
    return text;
  }

  return ({ effect, reason, rule, address, user, method, host, path, requestId }) =>
    beginning() +
    (requestId === null ? '' : `,"requestId":${quoted(requestId)}`) +
    (user === null ? '' : `,"user":${quoted(hide(user))}`) +
    (address === null ? '' : `,"address":${quoted(hide(address))}`) +
    outcome(effect, reason, rule) +
    (method === null || host === null || path === null ? '}\n' : `${target(method, host)}${quoted(path)}}\n`);
}

/** Up to the first field that differs. The time has whole milliseconds, in which many lines are written. */
function createBeginnings(): () => string {
  let at = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = `{"level":"info","time":"${new Date(now).toISOString()}","event":"decision.refused","audit":true`;
    }
    return text;
  };
}

/** A JSON text; nearly all need no escape. */
function quoted(text: string): string {
  return /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}
