import { DatabaseSync } from 'node:sqlite';
import { mintSecret } from '../src/domain/secret.ts';
import { fileUserId } from '../src/flows/directory.ts';
import { type Comparison, measureLoad, type Side, type Totals } from './compare.ts';
import { openLoadClient } from './load-client.ts';
import { compareWarm, sideOf } from './measure.ts';
import { CONNECTIONS, type Options } from './options.ts';
import type { MeasuredProcess } from './process.ts';
import { checkRequest, OTHER_COOKIES } from './requests.ts';
import { pageCheck } from './rows.ts';
import { LOGINS, type Stand, startStand } from './stand.ts';
import { cpuTime, residentMemory } from './usage.ts';

export interface SessionsResult {
  readonly count: number;
  /** In MB: after the start, and with all sessions in memory, under load. */
  readonly before: number;
  readonly after: number;
  /** The first check of each session, which the store answers. */
  readonly first: Totals;
  /** All in turn, from memory, beside a service that is asked about one. */
  readonly comparison: Comparison;
}

/** `<id>.<secret>` */
const SECRET_LENGTH = 60;
const DAY = 86_400_000;

/** A service with so many sessions beside one with one. */
export async function measureSessions(count: number, one: Stand, options: Options): Promise<SessionsResult> {
  let secrets: Buffer = Buffer.alloc(0);
  const fill = (database: string): void => {
    secrets = storeSessions(database, count);
  };
  const many = await startStand(options.entry, { fill });
  try {
    const before = residentMemory(many.process.pid);
    const all = await askForAll(many.process, secrets);
    const first = await measureLoad(all, (client) => client.exhaust(count));
    const comparison = await compareWarm(all, await askForOne(one), options);
    return { count, before, after: residentMemory(many.process.pid), first, comparison };
  } finally {
    await many.stop();
  }
}

function askForOne({ process, credentials }: Stand): Promise<Side> {
  return sideOf(process, [checkRequest(pageCheck(credentials.session))], 200);
}

async function askForAll({ port, pid }: MeasuredProcess, secrets: Buffer): Promise<Side> {
  const next = requestsOf(secrets);
  return {
    client: await openLoadClient({ port, next, status: 200, connections: CONNECTIONS }),
    cpuTime: () => cpuTime(pid),
  };
}

/**
 * Puts sessions of all users into the database, in one transaction: one by one, each would wait for the disk.
 * @returns their cookie values one behind another: as texts they would take more memory than the service
 */
export function storeSessions(database: string, count: number): Buffer {
  const secrets = Buffer.allocUnsafe(count * SECRET_LENGTH);
  const db = new DatabaseSync(database);
  const insert = db.prepare(
    `insert into sessions (id, secret_hash, user_id, created_at, authenticated_at, expires_at, idle, last_seen_at)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const now = Date.now();
  db.exec('begin immediate');
  for (let index = 0; index < count; index += 1) {
    const { id, text, secretHash } = mintSecret();
    secrets.write(text, index * SECRET_LENGTH, 'latin1');
    insert.run(id, secretHash, fileUserId(`user-${index % LOGINS}`), now, now, now + DAY, DAY, now);
  }
  db.exec('commit');
  db.close();
  return secrets;
}

/** Checks with each of the cookie values in turn. */
export function requestsOf(secrets: Buffer): () => Buffer {
  const place = '#'.repeat(SECRET_LENGTH);
  const form = checkRequest(pageCheck({ Cookie: `${OTHER_COOKIES}; __Secure-gatelodge=${place}` }));
  const at = form.indexOf(place);
  const forms = Array.from({ length: 2 * CONNECTIONS }, () => Buffer.from(form));
  let turn = 0;
  let from = 0;
  return () => {
    const request = forms[turn % forms.length] ?? form;
    turn += 1;
    secrets.copy(request, at, from, from + SECRET_LENGTH);
    from = from + SECRET_LENGTH < secrets.length ? from + SECRET_LENGTH : 0;
    return request;
  };
}
