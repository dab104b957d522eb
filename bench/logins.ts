import { setTimeout as wait } from 'node:timers/promises';
import { inTurn, openLoadClient } from './load-client.ts';
import { openLoginBurst } from './login-burst.ts';
import { CONNECTIONS, MODERATE_RATE, type Options } from './options.ts';
import { ROWS } from './rows.ts';
import { LOGINS, type Stand } from './stand.ts';
import { median, percentile } from './statistics.ts';

export interface LoginsResult {
  /** p99 of a check in ms: medians over the bursts. */
  readonly idle: number;
  readonly during: number;
  /** Median over the bursts of `during` through the `idle` just before. */
  readonly ratio: number;
  /** How long a burst of logins took, in ms. */
  readonly burst: number;
}

/** The latency of checks of a session at a moderate rate, with nothing else to do and while passwords are hashed. */
export async function measureLogins(stand: Stand, { bursts, paced }: Options): Promise<LoginsResult> {
  const [row] = ROWS;
  if (row === undefined) throw new Error('there are no rows');
  const { port } = stand.process;
  const client = await openLoadClient({
    port,
    next: inTurn([row.request(stand.credentials)]),
    status: row.status,
    connections: CONNECTIONS,
  });
  const people = await openLoginBurst(
    port,
    Array.from({ length: LOGINS }, (_, user) => `user-${user}`),
  );
  await client.saturate(1_000);
  // A service that is measured has seen logins before.
  await people.logIn();
  const seen: { idle: number; during: number; burst: number }[] = [];
  for (let index = 0; index < bursts; index += 1) {
    const idle = await client.pace(MODERATE_RATE, wait(paced));
    const all = people.logIn();
    const during = await client.pace(MODERATE_RATE, all);
    await all;
    seen.push({
      idle: percentile(idle.latencies, 0.99),
      during: percentile(during.latencies, 0.99),
      burst: during.seconds * 1_000,
    });
  }
  client.close();
  people.close();
  return {
    idle: median(seen.map(({ idle }) => idle)),
    during: median(seen.map(({ during }) => during)),
    ratio: median(seen.map(({ idle, during }) => during / idle)),
    burst: median(seen.map(({ burst }) => burst)),
  };
}
