import { z } from 'zod';

const time = z.iso.datetime({ offset: true });

/** A point in time as RFC 3339 writes it, in ms since the epoch; null where it is none, such as the 30th of February. */
export function parseTime(text: string): number | null {
  return time.safeParse(text).success ? Date.parse(text) : null;
}
