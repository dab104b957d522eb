import { type Command, DONE, readOptions, type Terminal, UsageError } from './command.ts';
import { runSubcommand } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

export const command: Command = {
  summary: 'counts and revokes tokens',
  usage: `Usage: gatelodge tokens stats [--json] [-c FILE]
       gatelodge tokens revoke --user NAME [-c FILE]
       gatelodge tokens revoke [-c FILE]

  --user NAME        all of this user's access and refresh tokens; API keys go on
  --json             an array of {user, logins, access_tokens, last_issued_at, access_expires_at, refresh_expires_at}
  -c, --config FILE  configuration (default gatelodge.yaml)

Without --user, revoke takes one access token, refresh token or API key from the terminal or from one line of standard
input, never from the command line, which every user of the machine can read. A refresh token ends with its whole login.
stats counts logins that can be refreshed, and the access tokens issued to them that have not expired.`,
  run: (args, terminal) => runSubcommand({ stats, revoke }, args, terminal),
};

async function stats(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, { ...CONFIG, json: { type: 'boolean', default: false } });
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async (core) => {
    const { tokenStatistics } = await import('../flows/token-statistics.ts');
    const { table } = await import('./table.ts');
    const shown = await tokenStatistics(core.store.refreshTokens, core.directory, core.clock());
    if (values.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
    else {
      const headings = ['USER', 'LOGINS', 'ACCESS TOKENS', 'LAST ISSUED', 'ACCESS UNTIL', 'REFRESH UNTIL'];
      const rows = shown.map((row) => Object.values(row).map(String));
      terminal.out(table(headings, rows));
    }
    return DONE;
  });
}

async function revoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readOptions(args, { ...CONFIG, user: { type: 'string' } }, 1);
  if (positionals.length > 0) throw new UsageError('give the token on standard input, not on the command line');
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async (core) => {
    if (values.user !== undefined) {
      const { requireUser } = await import('../flows/directory.ts');
      const user = await requireUser(core.directory, values.user);
      const logins = await core.store.refreshTokens.revokeByUser(user.id, core.clock());
      core.log.audit({ event: 'token.revoked', user: user.username, detail: { logins } });
      terminal.out(`${logins} login${logins === 1 ? '' : 's'} of ${user.username} ended\n`);
      return DONE;
    }
    const { openTokens } = await import('../compose/decider.ts');
    const { publicUrlOf } = await import('../config/public-url.ts');
    const { readPassword } = await import('./password-input.ts');
    const { GatelodgeError } = await import('../domain/errors.ts');
    await core.signingKeys.reload();
    const { issuedTokens } = openTokens(core, publicUrlOf(core.configuration));
    const revoked = await issuedTokens.revoke(await readPassword(terminal, { twice: false, what: 'token' }));
    if (revoked === null) throw new GatelodgeError('not-found', 'that is no token of ours, or has ended already');
    const user = (await core.directory.byId(revoked.userId))?.username ?? revoked.userId;
    core.log.audit({ event: 'token.revoked', user, detail: { kind: revoked.kind } });
    terminal.out(`the ${revoked.kind} of ${user} is revoked\n`);
    return DONE;
  });
}
