import { type SigningKey, signingAt } from '../domain/signing-key.ts';
import { type Command, DONE, readOptions, type Terminal } from './command.ts';
import { runSubcommand } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;

export const command: Command = {
  summary: 'lists and rotates the keys that sign access tokens and identity JWTs',
  usage: `Usage: gatelodge signing-keys list [--json] [-c FILE]
       gatelodge signing-keys rotate [--now] [-c FILE]

  --json             an array of {kid, purpose, algorithm, state, created_at, retired_at, verifies_until}
  --now              a new key for identity JWTs signs at once, though applications may not know it yet
  -c, --config FILE  configuration (default gatelodge.yaml)

After rotate new keys sign: one for access tokens at once and, where they are on, one for identity JWTs ten minutes later, when
applications have read it. Those before verify until the last token that they signed has expired. A key of your own (identity_jwt.private_key) is yours to change.`,
  run: (args, terminal) => runSubcommand({ list, rotate }, args, terminal),
};

async function list(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, { ...CONFIG, json: { type: 'boolean', default: false } });
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ store, clock }) => {
    const { table, time } = await import('./table.ts');
    const now = clock();
    const keys = await store.signingKeys.list();
    const signs = (one: SigningKey) =>
      signingAt(
        keys.filter(({ purpose, algorithm }) => purpose === one.purpose && algorithm === one.algorithm),
        now,
      ) === one;
    const shown = keys.map((key) => ({
      ...{ kid: key.kid, purpose: key.purpose, algorithm: key.algorithm },
      state: signs(key) ? 'signs' : stateOf(key, now),
      created_at: time(key.createdAt),
      retired_at: time(key.retiredAt),
      verifies_until: time(key.verifiesUntil),
    }));
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

/** Of a key that does not sign. */
function stateOf({ createdAt, verifiesUntil }: SigningKey, now: number): 'waits' | 'verifies' | 'expired' {
  if (verifiesUntil !== null && verifiesUntil <= now) return 'expired';
  return createdAt > now ? 'waits' : 'verifies';
}

async function rotate(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, { ...CONFIG, now: { type: 'boolean', default: false } });
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ signingKeys, identityKeys, log, clock }) => {
    const { time } = await import('./table.ts');
    const rotated = [
      { what: 'access tokens', keys: signingKeys },
      { what: 'identity JWTs', keys: identityKeys },
    ];
    for (const { what, keys } of rotated) {
      if (typeof keys?.rotate !== 'function') continue;
      const { kid, signsFrom } = await keys.rotate({ atOnce: values.now });
      log.audit({ event: 'signing-key.rotated', detail: { kid } });
      terminal.out(`${kid} signs ${what} ${signsFrom <= clock() ? 'now' : `from ${time(signsFrom)}`}\n`);
    }
    return DONE;
  });
}
