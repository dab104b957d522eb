import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

const DAY = 86_400_000;

/** Puts so many revoked access tokens into the database, in one transaction. */
export function storeRevocations(database: string, count: number): void {
  const db = new DatabaseSync(database);
  const insert = db.prepare('insert into revocations (id, expires_at) values (?, ?)');
  db.exec('begin immediate');
  for (let index = 0; index < count; index += 1) insert.run(randomBytes(16).toString('base64url'), Date.now() + DAY);
  db.exec('commit');
  db.close();
}
