import { type Command, DONE, readOptions, type Terminal, UsageError } from './command.ts';
import { runSubcommand, splitId } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

export const command: Command = {
  summary: 'lists and ends the sessions of browsers',
  usage: `Usage: gatelodge sessions list [--user NAME] [--json] [-c FILE]
       gatelodge sessions revoke ID [-c FILE]
       gatelodge sessions revoke --user NAME [-c FILE]

  --user NAME        of this user alone; with revoke, all of them
  --json             an array of {id, user, created_at, last_seen_at, expires_at}
  -c, --config FILE  configuration (default gatelodge.yaml)

An id is no secret: nobody can use a session by it. A running service writes down every 5 s when a session was last seen.`,
  run: (args, terminal) => runSubcommand({ list, revoke }, args, terminal),
};

async function list(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...CONFIG, user: { type: 'string' }, json: { type: 'boolean', default: false } } as const;
  const { values } = readOptions(args, options);
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ directory, sessions }) => {
    const { requireUser } = await import('../flows/directory.ts');
    const { table, time } = await import('./table.ts');
    const user = values.user === undefined ? null : await requireUser(directory, values.user);
    const shown = await Promise.all(
      (await sessions.listSessions(user?.id ?? null)).map(async (session) => ({
        id: session.id,
        user: (await directory.byId(session.userId))?.username ?? session.userId,
        created_at: time(session.createdAt),
        last_seen_at: time(session.lastSeenAt),
        expires_at: time(session.expiresAt),
      })),
    );
    if (values.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
    else {
      const rows = shown.map((one) => Object.values(one).map((text) => text ?? ''));
      terminal.out(table(['ID', 'USER', 'CREATED', 'LAST SEEN', 'EXPIRES'], rows));
    }
    return DONE;
  });
}

async function revoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const { id: dashed, rest } = splitId(args);
  const { values, positionals } = readOptions(rest, { ...CONFIG, user: { type: 'string' } }, 1);
  const id = dashed ?? positionals[0];
  if ((id === undefined) === (values.user === undefined)) throw new UsageError('either an ID or --user NAME');
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ directory, sessions, store, log }) => {
    const { requireUser } = await import('../flows/directory.ts');
    const { GatelodgeError } = await import('../domain/errors.ts');
    if (id === undefined) {
      const user = await requireUser(directory, values.user ?? '');
      const count = await sessions.revokeAll(user.id);
      log.audit({ event: 'session.revoked', user: user.username, detail: { count } });
      terminal.out(`${count} ${count === 1 ? 'session' : 'sessions'} of ${user.username} ended\n`);
      return DONE;
    }
    const session = await store.sessions.findById(id);
    if (session === null || !(await sessions.end(session.id))) {
      throw new GatelodgeError('not-found', 'there is no such session');
    }
    const user = await directory.byId(session.userId);
    log.audit({ event: 'session.revoked', user: user?.username ?? session.userId, session: session.id });
    terminal.out(`${session.id} ended\n`);
    return DONE;
  });
}
