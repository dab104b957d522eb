import { readdirSync, readFileSync } from 'node:fs';

/** CPU time that a process has used so far, all its threads together, in ms; NaN where there is no /proc. The kernel counts it in steps of 10 ms. */
export function cpuTime(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** A process and its children. */
export function familyOf(pid: number): readonly number[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  return [pid, ...all.filter((other) => Number(statOf(other)[1]) === pid)];
}

/** Resident memory now, in MB (10⁶ bytes); NaN where there is no /proc. */
export function residentMemory(pid: number): number {
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return (Number(kibibytes) * 1_024) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** /proc/PID/stat behind the name, which may have blanks in it: state, parent, … */
function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
}
