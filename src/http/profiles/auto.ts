import type { HeaderFields } from '../../domain/access-request.ts';
import { isTarget, type Target, type TargetReading } from '../target.ts';
import { readForwarded } from './forwarded.ts';
import { readOriginal } from './nginx.ts';

/** Whichever family is there; where both are, they must agree. nginx's way of answering suits every server, so it wins then. */
export function readAutoTarget(headers: HeaderFields): {
  readonly target: TargetReading;
  readonly speaks: 'nginx' | 'forwarded';
} {
  const original = readOriginal(headers);
  const forwarded = readForwarded(headers);
  if (original === 'missing') return { target: forwarded, speaks: 'forwarded' };
  if (forwarded === 'missing') return { target: original, speaks: 'nginx' };
  if (!isTarget(original) || !isTarget(forwarded) || !same(original, forwarded))
    return { target: 'malformed', speaks: 'nginx' };
  return { target: original, speaks: 'nginx' };
}

function same(one: Target, other: Target): boolean {
  return (
    one.method === other.method &&
    one.scheme === other.scheme &&
    one.host === other.host &&
    one.port === other.port &&
    one.requestTarget === other.requestTarget
  );
}
