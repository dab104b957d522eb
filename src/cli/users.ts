import type { User } from '../domain/user.ts';
import { type Command, DONE, readOptions, type Terminal } from './command.ts';
import { required, runSubcommand, type Subcommand } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

/** What changes something is in a file of its own, with everything that it needs. */
const change =
  (name: 'add' | 'set' | 'lock' | 'unlock' | 'remove' | 'password'): Subcommand =>
  async (args, terminal) =>
    (await import('./user-changes.ts'))[name](args, terminal);

export const command: Command = {
  summary: 'shows and changes the users of the directory',
  usage: `Usage: gatelodge users add NAME [--email E] [--name TEXT] [--role R]… [--group G]… [--network CIDR]… [--generate]
       gatelodge users list [--json]
       gatelodge users show NAME
       gatelodge users set NAME [--email E] [--name TEXT] [--role R]… [--group G]… [--network CIDR]…
       gatelodge users lock NAME
       gatelodge users unlock NAME
       gatelodge users delete NAME
       gatelodge users password NAME [--generate]

  --email, --name    e-mail address and display name
  --role, --group    several times for several; all of them are replaced, and --role '' leaves none
  --network CIDR     where the user's requests may come from, such as 10.0.0.0/8, likewise (default anywhere)
  --generate         invents the password and prints it once, alone, on standard output
  -c, --config FILE  configuration (default gatelodge.yaml)

add and password ask for the password on a terminal, or read one line of standard input. A lock and a new password end the
user's sessions. add, set and delete are for users of the database; those of the configuration file are changed there.`,
  run: (args, terminal) =>
    runSubcommand(
      {
        add: change('add'),
        list,
        show,
        set: change('set'),
        lock: change('lock'),
        unlock: change('unlock'),
        delete: change('remove'),
        password: change('password'),
      },
      args,
      terminal,
    ),
};

async function list(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, { ...CONFIG, json: { type: 'boolean', default: false } });
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ directory }) => {
    const { table } = await import('./table.ts');
    const users = await directory.list();
    if (values.json) terminal.out(`${JSON.stringify(users.map(withoutHash), null, 2)}\n`);
    else {
      const rows = users.map((user) => [
        ...[
          user.username,
          user.name || '-',
          user.email || '-',
          user.roles.join(',') || '-',
          user.groups.join(',') || '-',
        ],
        ...[user.source, user.locked ? 'locked' : 'active'],
      ]);
      terminal.out(table(['USER', 'NAME', 'EMAIL', 'ROLES', 'GROUPS', 'FROM', 'STATE'], rows));
    }
    return DONE;
  });
}

async function show(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readOptions(args, CONFIG, 1);
  const username = required(positionals[0], 'the name of a user');
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ directory, sessions, store, file }) => {
    const { requireUser } = await import('../flows/directory.ts');
    const user = await requireUser(directory, username);
    const facts: readonly (readonly [string, string])[] = [
      ['user', user.username],
      ['id', user.id],
      ['name', user.name],
      ['email', user.email],
      ['roles', user.roles.join(', ')],
      ['groups', user.groups.join(', ')],
      ['networks', user.networks.join(', ') || 'anywhere'],
      ['state', user.locked ? 'locked' : 'active'],
      ['password', user.passwordHash === null ? 'none' : 'set'],
      ['from', user.source === 'file' ? file : 'database'],
      ['sessions', String((await sessions.listSessions(user.id)).length)],
      ['API keys', String((await store.apiKeys.list(user.id)).length)],
    ];
    terminal.out(facts.map(([fact, text]) => `${`${fact}:`.padEnd(10)} ${text || '-'}\n`).join(''));
    return DONE;
  });
}

function withoutHash(user: User): Record<string, unknown> {
  const { id, username, name, email, roles, groups, networks, locked, source } = user;
  return { id, username, name, email, roles, groups, networks, locked, source };
}
