/** What this program is called once it has started over; it is what `ps` shows, too. */
const NAME = 'gatelodge';
/**
 * For glibc's allocator: what is free at the end of a heap goes back to the system, instead of each thread that has ever
 * hashed a password keeping the 19 MiB of it; and Linux may hand such memory out in large pages, so that asking for it
 * again for each password costs next to nothing.
 */
const TUNABLES = 'glibc.malloc.trim_threshold=1048576:glibc.malloc.hugetlb=1';

/**
 * Starts this program over in the same process, once, with settings that the allocator reads at the start alone: after some
 * logins it is 100 MB instead of 180. Other allocators than glibc's do not look at them. It goes on as it is where the
 * settings are there already, and where it would lose a channel to the process that started it, or sockets that were handed
 * over: Node.js keeps standard input and output alone. A worker has got the settings from the process that started over.
 */
export function startOver(): void {
  if (process.platform !== 'linux' || process.connected || process.argv0 === NAME) return;
  const { GLIBC_TUNABLES: given, LISTEN_FDS: sockets } = process.env;
  if (sockets !== undefined || given?.includes(TUNABLES) === true) return;
  // A profiler's signal that is on its way would end the new program before it could take it.
  if (process.execArgv.some((option) => /^--(?:cpu-prof|prof|inspect)/.test(option))) return;
  try {
    process.execve?.(process.execPath, [NAME, ...process.execArgv, ...process.argv.slice(1)], {
      ...process.env,
      GLIBC_TUNABLES: given === undefined || given === '' ? TUNABLES : `${given}:${TUNABLES}`,
    });
  } catch {
    // A system that forbids it: memory alone is lost.
  }
}
