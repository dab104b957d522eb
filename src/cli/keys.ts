import type { Core } from '../compose/core.ts';
import { apiKeyName } from '../domain/api-key.ts';
import { COMMAND } from '../domain/key-reach.ts';
import type { ApiKeys } from '../flows/api-keys.ts';
import type { KeyView } from '../http/management/key-schemas.ts';
import { type Command, DONE, readOptions, type Terminal, UsageError } from './command.ts';
import { required, runSubcommand, splitId } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

export const command: Command = {
  summary: 'makes, lists, rotates and revokes API keys',
  usage: `Usage: gatelodge keys create --user NAME --name TEXT [--scope SCOPE]… [--role ROLE]… [--network CIDR]…
                             [--not-before TIME] [--expires TIME] [-c FILE]
       gatelodge keys list [--user NAME] [--json] [-c FILE]
       gatelodge keys rotate ID [--overlap 1h] [-c FILE]
       gatelodge keys revoke ID [-c FILE]

  --user NAME        whose key it is
  --name TEXT        what it is for
  --scope SCOPE      what it may be used for; several times for several scopes
  --role ROLE        which of the user's roles it has, several times for several (default all, as they are at the time)
  --network CIDR     where it may be used from, such as 10.0.0.0/8; several times for several (default anywhere)
  --not-before TIME  when it begins: 2027-01-31T00:00:00Z, or 1h for an hour from now (default now)
  --expires TIME     when it ends: a time, or a number and s, m, h, d or w, such as 30d (default never)
  --overlap 1h       how long the old secret is good after a rotation (default 1h, at most 30d); 0 ends it at once
  ID                 glk_<id>, as list shows it
  -c, --config FILE  configuration (default gatelodge.yaml)

create and rotate print the key alone on standard output. It is stored hashed and can never be shown again.
rotate leaves everything but the secret as it is: id, name, scopes, roles, networks and end.`,
  run: (args, terminal) => runSubcommand({ create, list, rotate, revoke }, args, terminal),
};

const DEFAULT_OVERLAP = '1h';

async function create(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, {
    ...CONFIG,
    user: { type: 'string' },
    name: { type: 'string' },
    scope: { type: 'string', multiple: true, default: [] },
    role: { type: 'string', multiple: true },
    network: { type: 'string', multiple: true, default: [] },
    'not-before': { type: 'string' },
    expires: { type: 'string' },
  });
  const username = required(values.user, '--user');
  const name = required(values.name, '--name');
  const notBeforeAt = await readMoment('--not-before', values['not-before']);
  const expiresAt = await readMoment('--expires', values.expires);
  return withKeys(values.config, terminal, async (keys, core) => {
    const { requireUser } = await import('../flows/directory.ts');
    const user = await requireUser(core.directory, username);
    const now = core.clock();
    const { scope: scopes, role: roles = null, network: networks } = values;
    const request = { name, scopes, roles, networks, notBefore: notBeforeAt(now), expiresAt: expiresAt(now) };
    const { text, key } = await keys.create(user, request, COMMAND);
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
    const { keyView } = await import('../http/management/key-view.ts');
    const { table } = await import('./table.ts');
    const user = values.user === undefined ? null : await requireUser(core.directory, values.user);
    const now = core.clock();
    const shown = await Promise.all(
      (await keys.list(user?.id ?? null)).map((key) => keyView(key, core.directory, now)),
    );
    if (values.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
    else terminal.out(table(HEADINGS, shown.map(columns)));
    return DONE;
  });
}

const HEADINGS = [
  ...['ID', 'USER', 'NAME', 'SCOPES', 'ROLES', 'NETWORKS', 'CREATED', 'BY', 'NOT BEFORE', 'EXPIRES', 'LAST USED'],
  ...['ROTATED', 'OLD SECRET UNTIL'],
];

function columns(key: KeyView): string[] {
  const words = (names: readonly string[]) => names.join(' ') || '-';
  return [
    ...[key.id, key.user, key.name, words(key.scopes), key.roles === null ? "user's" : words(key.roles)],
    ...[key.networks.join(' ') || 'anywhere', key.created_at ?? '-', key.created_by ?? 'command'],
    ...[key.not_before ?? '-', key.expires_at ?? 'never', key.last_used_at ?? 'never'],
    ...[key.rotated_at ?? 'never', key.previous_until ?? '-'],
  ];
}

async function rotate(args: readonly string[], terminal: Terminal): Promise<number> {
  const { id, rest } = splitId(args);
  const { values, positionals } = readOptions(rest, { ...CONFIG, overlap: { type: 'string' } }, 1);
  const text = required(id ?? positionals[0], 'the ID of a key');
  const { parseDuration } = await import('../config/values.ts');
  const given = values.overlap ?? DEFAULT_OVERLAP;
  const overlap = given === '0' ? 0 : parseDuration(given);
  if (overlap === null) throw new UsageError('--overlap takes a duration such as 1h, or 0');
  return withKeys(values.config, terminal, async (keys, core) => {
    const rotated = await keys.rotate(text, overlap, COMMAND);
    const { previous } = rotated.key;
    const name = apiKeyName(rotated.key);
    const user = (await core.directory.byId(rotated.key.userId))?.username ?? rotated.key.userId;
    core.log.audit({ event: 'key.rotated', user, detail: { key: name, overlap: Math.round(overlap / 1_000) } });
    terminal.out(`${rotated.text}\n`);
    const end = previous === null ? 'no longer good' : `good until ${new Date(previous.until).toISOString()}`;
    terminal.error(`${name} has a new secret, which is shown once. The old one is ${end}.\n`);
    return DONE;
  });
}

async function revoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const { id, rest } = splitId(args);
  const { values, positionals } = readOptions(rest, CONFIG, 1);
  const text = required(id ?? positionals[0], 'the ID of a key');
  return withKeys(values.config, terminal, async (keys, core) => {
    const key = await keys.revoke(text, COMMAND);
    const user = await core.directory.byId(key.userId);
    core.log.audit({ event: 'key.revoked', user: user?.username ?? key.userId, detail: { key: apiKeyName(key) } });
    terminal.out(`${apiKeyName(key)} is revoked\n`);
    return DONE;
  });
}

/** A time, or a duration from the `now` at which the key is made. @throws UsageError where the text is neither */
async function readMoment(option: string, text: string | undefined): Promise<(now: number) => number | null> {
  if (text === undefined) return () => null;
  const { parseDuration } = await import('../config/values.ts');
  const { parseTime } = await import('../config/moment.ts');
  const [lasts, at] = [parseDuration(text), parseTime(text)];
  if (lasts === null && at === null)
    throw new UsageError(`${option} takes a time such as 2027-01-31T00:00:00Z, or a duration such as 30d`);
  return (now) => (lasts === null ? at : now + lasts);
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
