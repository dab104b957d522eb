import type { Comparison } from './compare.ts';
import type { LoginsResult } from './logins.ts';
import type { RowResult } from './measure.ts';
import type { PeerResult } from './peers.ts';
import type { SessionsResult } from './sessions.ts';
import type { StartUpResult } from './start-up.ts';
import type { NginxResult } from './through-nginx.ts';

export interface RulesResult {
  readonly count: number;
  readonly comparison: Comparison;
}

/** What a run found; null or nothing where a part was not measured. */
export interface Results {
  readonly rows: readonly RowResult[];
  readonly rules: readonly RulesResult[];
  readonly logins: LoginsResult | null;
  readonly nginx: NginxResult | null;
  readonly connections: number | null;
  readonly sessions: readonly SessionsResult[];
  readonly startUp: StartUpResult | null;
  /** Two workers beside one. */
  readonly workers: Comparison | null;
  readonly peers: readonly PeerResult[];
  /** Programs that were asked for and are not installed. */
  readonly missing: readonly string[];
  /** Parts that failed. */
  readonly failed: readonly string[];
  /** The machine's load average of the last minute before the bench began: near 0 where it had the machine for itself. */
  readonly load: number;
}
