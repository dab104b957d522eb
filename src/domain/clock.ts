/** Milliseconds since the epoch. Injected everywhere, so that a test can move time. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/**
 * The same clock, but one that is set back goes on where it was: for times that are compared with each other alone, and would
 * hold somebody up for as long as the clock went back.
 */
export function steadyClock(clock: Clock): Clock {
  let last = Number.NEGATIVE_INFINITY;
  let wentBack = 0;
  return () => {
    const now = clock() + wentBack;
    if (now >= last) last = now;
    else wentBack += last - now;
    return last;
  };
}
