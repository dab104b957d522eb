/**
 * Waits for `work` no longer than the signal allows. The work itself goes on: others may wait for it too.
 * @throws the signal's reason
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (signal === null) return work;
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** @param time in ms. Not `AbortSignal.timeout`: its timer would outlive the work. */
export async function withTimeout<T>(time: number, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('no answer in time', 'TimeoutError')), time);
  try {
    // A `fetch` of one's own may not listen to signals.
    return await unlessAborted(start(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** @param time in ms */
export function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}
