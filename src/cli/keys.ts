import type { Core } from '../compose.ts';
import { apiKeyName } from '../domain/api-key.ts';
import type { ApiKeys } from '../flows/api-keys.ts';
import { type Command, DONE, readOptions, type Terminal, UsageError } from './command.ts';
import { required, runSubcommand, splitId } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

export const command: Command = {
  summary: 'makes, lists and revokes API keys',
  usage: `Usage: gatelodge keys create --user NAME --name TEXT [--scope SCOPE]… [--expires 30d] [-c FILE]
       gatelodge keys list [--user NAME] [--json] [-c FILE]
       gatelodge keys revoke ID [-c FILE]

  --user NAME        whose key it is: it has this user's roles
  --name TEXT        what it is for
  --scope SCOPE      restricts it; several times for several scopes
  --expires 30d      when it ends: a number and s, m, h, d or w (default never)
  ID                 glk_<id>, as list shows it
  -c, --config FILE  configuration (default gatelodge.yaml)

create prints the key alone on standard output. It is stored hashed and can never be shown again.`,
  run: (args, terminal) => runSubcommand({ create, list, revoke }, args, terminal),
};

async function create(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, {
    ...CONFIG,
    user: { type: 'string' },
    name: { type: 'string' },
    scope: { type: 'string', multiple: true, default: [] },
    expires: { type: 'string' },
  });
  const username = required(values.user, '--user');
  const name = required(values.name, '--name');
  const { parseDuration } = await import('../config/values.ts');
  const lasts = values.expires === undefined ? null : parseDuration(values.expires);
  if (values.expires !== undefined && lasts === null) throw new UsageError('--expires takes a duration such as 30d');
  return withKeys(values.config, terminal, async (keys, core) => {
    const { requireUser } = await import('../flows/directory.ts');
    const user = await requireUser(core.directory, username);
    const expiresAt = lasts === null ? null : core.clock() + lasts;
    const { text, key } = await keys.create(user, { name, scopes: values.scope, expiresAt });
    core.log.audit({ event: 'key.created', user: user.username, detail: { key: apiKeyName(key) } });
    terminal.out(`${text}\n`);
    terminal.error(`${apiKeyName(key)} is a key of ${user.username}. It is shown once.\n`);
    return DONE;
  });
}

async function list(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...CONFIG, user: { type: 'string' }, json: { type: 'boolean', default: false } } as const;
  const { values } = readOptions(args, options);
  return withKeys(values.config, terminal, async (keys, core) => {
    const { requireUser } = await import('../flows/directory.ts');
    const { table, time } = await import('./table.ts');
    const user = values.user === undefined ? null : await requireUser(core.directory, values.user);
    const shown = await Promise.all(
      (await keys.list(user?.id ?? null)).map(async (key) => ({
        id: apiKeyName(key),
        user: (await core.directory.byId(key.userId))?.username ?? key.userId,
        name: key.name,
        scopes: key.scopes,
        created_at: time(key.createdAt),
        expires_at: time(key.expiresAt),
        last_used_at: time(key.lastUsedAt),
      })),
    );
    if (values.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
    else {
      const rows = shown.map((key) => [
        ...[key.id, key.user, key.name, key.scopes.join(' ') || '-', key.created_at ?? ''],
        ...[key.expires_at ?? 'never', key.last_used_at ?? 'never'],
      ]);
      terminal.out(table(['ID', 'USER', 'NAME', 'SCOPES', 'CREATED', 'EXPIRES', 'LAST USED'], rows));
    }
    return DONE;
  });
}

async function revoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const { id, rest } = splitId(args);
  const { values, positionals } = readOptions(rest, CONFIG, 1);
  const text = required(id ?? positionals[0], 'the ID of a key');
  return withKeys(values.config, terminal, async (keys, core) => {
    const key = await keys.revoke(text);
    const user = await core.directory.byId(key.userId);
    core.log.audit({ event: 'key.revoked', user: user?.username ?? key.userId, detail: { key: apiKeyName(key) } });
    terminal.out(`${apiKeyName(key)} is revoked\n`);
    return DONE;
  });
}

async function withKeys(
  config: string | undefined,
  terminal: Terminal,
  run: (keys: ApiKeys, core: Core) => Promise<number>,
): Promise<number> {
  const { withCore } = await import('./with-core.ts');
  const { createApiKeys } = await import('../flows/api-keys.ts');
  return withCore(config, terminal, (core) =>
    run(createApiKeys({ store: core.store.apiKeys, clock: core.clock }), core),
  );
}
