/** How far from 1970 a `Date` reaches, in ms. */
const FARTHEST = 8.64e15;

/** RFC 3339 in UTC; null for no time, and for one that no date has, as a foreign token may claim. */
export function rfc3339(time: number | null): string | null {
  return time === null || !(Math.abs(time) <= FARTHEST) ? null : new Date(time).toISOString();
}
