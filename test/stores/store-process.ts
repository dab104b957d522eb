import { openSqliteStore } from '../../src/stores/sqlite.ts';
import { alice, signingKeyOf } from '../contract/store-fixtures.ts';

/** Another process on the same database: `store-process.ts FILE TASK`. It writes one line for each thing that is done. */
const [file = '', task = '', name = ''] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const store = await openSqliteStore({ file });

if (task === 'rotate') {
  say(String(await store.signingKeys.rotate(signingKeyOf(name), { retiredVerifiesUntil: 1, onlyIfNone: true })));
} else if (task === 'lock') {
  await store.users.setLocked(name, true, 1);
  say(String(Date.now()));
} else if (task === 'insert-forever') {
  for (let i = 0; ; i++) {
    const id = `usr_${i}`;
    await store.users.insert(id, { ...alice, username: `user${i}` }, 1);
    say(id);
  }
}
await store.close();
