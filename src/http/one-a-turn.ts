/**
 * Starts what is not a check, one a turn of the event loop. Fifty logins that arrive together would take it for 20 ms, and
 * every check that comes meanwhile would wait behind all of them; so it waits behind one. Whoever is alone starts at once.
 */
export function oneATurn(): (start: () => void) => void {
  const waiting: (() => void)[] = [];
  let taken = false;
  // Immediates come after what has arrived was looked at, and one of them made by another waits for the next turn.
  const next = (): void => {
    const start = waiting.shift();
    taken = start !== undefined;
    if (start === undefined) return;
    setImmediate(next);
    start();
  };
  return (start) => {
    if (taken) {
      waiting.push(start);
      return;
    }
    taken = true;
    setImmediate(next);
    start();
  };
}
