import { type Command, DONE, readOptions, type Terminal } from './command.ts';
import { runSubcommand } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

export const command: Command = {
  summary: 'lists and rotates the keys that sign access tokens and identity JWTs',
  usage: `Usage: gatelodge signing-keys list [--json] [-c FILE]
       gatelodge signing-keys rotate [-c FILE]

  --json             an array of {kid, purpose, algorithm, state, created_at, retired_at, verifies_until}
  -c, --config FILE  configuration (default gatelodge.yaml)

After rotate new keys sign: one for access tokens and, where they are on, one for identity JWTs. Those before verify until the
last token that they signed has expired. A key of your own (identity_jwt.private_key) is yours to change.`,
  run: (args, terminal) => runSubcommand({ list, rotate }, args, terminal),
};

async function list(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, { ...CONFIG, json: { type: 'boolean', default: false } });
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ store, clock }) => {
    const { table, time } = await import('./table.ts');
    const now = clock();
    const shown = (await store.signingKeys.list()).map(
      ({ kid, purpose, algorithm, createdAt, retiredAt, verifiesUntil }) => ({
        ...{ kid, purpose, algorithm },
        state: verifiesUntil === null ? 'signs' : verifiesUntil > now ? 'verifies' : 'expired',
        created_at: time(createdAt),
        retired_at: time(retiredAt),
        verifies_until: time(verifiesUntil),
      }),
    );
    if (values.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
    else {
      const rows = shown.map((key) => [
        key.kid,
        key.purpose,
        key.algorithm,
        key.state,
        key.created_at ?? '',
        key.verifies_until ?? '',
      ]);
      terminal.out(table(['KID', 'PURPOSE', 'ALGORITHM', 'STATE', 'CREATED', 'VERIFIES UNTIL'], rows));
    }
    return DONE;
  });
}

async function rotate(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, CONFIG);
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ signingKeys, identityKeys, log }) => {
    const rotated = [
      { what: 'access tokens', keys: signingKeys },
      { what: 'identity JWTs', keys: identityKeys },
    ];
    for (const { what, keys } of rotated) {
      if (typeof keys?.rotate !== 'function') continue;
      const kid = await keys.rotate();
      log.audit({ event: 'signing-key.rotated', detail: { kid } });
      terminal.out(`${kid} signs ${what} now\n`);
    }
    return DONE;
  });
}
