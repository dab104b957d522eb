import type { Results } from '../../bench/results.ts';

/** A run in which nothing was measured. */
export const NOTHING: Results = {
  rows: [],
  rules: [],
  logins: null,
  nginx: null,
  connections: null,
  sessions: [],
  startUp: null,
  workers: null,
  peers: [],
  missing: [],
  failed: [],
  load: 0,
};
