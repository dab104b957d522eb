import { type Command, DONE, readOptions, type Terminal, UsageError } from './command.ts';
import { required, runSubcommand } from './subcommands.ts';

const CONFIG = { config: { type: 'string', short: 'c' } } as const;
const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;

export const command: Command = {
  summary: 'lists, revokes and brings along keys and refresh tokens of JWThenticator',
  usage: `Usage: gatelodge jwthenticator list [--refresh-tokens] [--json] [-c FILE]
       gatelodge jwthenticator revoke ID [--keep-refresh-tokens] [-c FILE]
       gatelodge jwthenticator import --keys FILE [--refresh-tokens FILE] [-c FILE]

  ID                     jak_<id> of a key or jrt_<id> of a refresh token, as list shows it
  --keep-refresh-tokens  a key's refresh tokens stay good; else they are revoked with it
  --keys FILE            JWThenticator's table of keys as CSV with a heading: id, key_hash, identifier, expires_at
  --refresh-tokens FILE  its table of refresh tokens: token, key_id, expires_at
  -c, --config FILE      configuration (default gatelodge.yaml)

A revoked key or refresh token gets no JWT from the next request on. JWTs that were issued before live until they expire.`,
  run: (args, terminal) => runSubcommand({ list, revoke, import: importTables }, args, terminal),
};

async function list(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...CONFIG, ...JSON_OPTION, 'refresh-tokens': { type: 'boolean', default: false } } as const;
  const { values } = readOptions(args, options);
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ store: { jwthenticator: store }, clock }) => {
    const { table, time } = await import('./table.ts');
    const now = clock();
    const life = (one: { readonly createdAt: number; readonly expiresAt: number }) => ({
      created_at: time(one.createdAt),
      expires_at: time(one.expiresAt),
      expired: one.expiresAt <= now,
    });
    const tokens = await store.listRefreshTokens();
    const shown = values['refresh-tokens']
      ? tokens.map((token) => ({ id: token.id, key: token.keyId, ...life(token) }))
      : (await store.listKeys()).map((key) => ({
          ...{ id: key.id, identifier: key.identifier, ...life(key) },
          refresh_tokens: tokens.filter(({ keyId, expiresAt }) => keyId === key.id && expiresAt > now).length,
        }));
    if (values.json) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
    else {
      const headings = values['refresh-tokens']
        ? ['ID', 'KEY', 'CREATED', 'EXPIRES', 'STATE']
        : ['ID', 'IDENTIFIER', 'CREATED', 'EXPIRES', 'STATE', 'REFRESH TOKENS'];
      const rows = shown.map((one) => [
        ...[one.id, 'key' in one ? one.key : one.identifier, one.created_at ?? '', one.expires_at ?? ''],
        ...[one.expired ? 'expired' : 'good', ...('key' in one ? [] : [String(one.refresh_tokens)])],
      ]);
      terminal.out(table(headings, rows));
    }
    return DONE;
  });
}

async function revoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...CONFIG, 'keep-refresh-tokens': { type: 'boolean', default: false } } as const;
  const { values, positionals } = readOptions(args, options, 1);
  const id = required(positionals[0], 'the ID of a key or refresh token');
  const keepRefreshTokens = values['keep-refresh-tokens'];
  const { KEY_PREFIX } = await import('../flows/jwthenticator.ts');
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ store: { jwthenticator: store }, log }) => {
    const { GatelodgeError } = await import('../domain/errors.ts');
    const isKey = id.startsWith(KEY_PREFIX);
    const revoked = isKey ? await store.deleteKey(id, { keepRefreshTokens }) : await store.deleteRefreshToken(id);
    if (!revoked) throw new GatelodgeError('not-found', 'there is no such key or refresh token');
    const detail = isKey ? { key: id, keep_refresh_tokens: keepRefreshTokens } : { refresh_token: id };
    log.audit({ event: 'jwthenticator.revoked', detail });
    terminal.out(`${id} is revoked\n`);
    return DONE;
  });
}

async function importTables(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readOptions(args, { ...CONFIG, keys: { type: 'string' }, 'refresh-tokens': { type: 'string' } });
  const keysFile = required(values.keys, '--keys');
  const tokensFile = values['refresh-tokens'];
  const { readFileSync } = await import('node:fs');
  const read = (file: string) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      throw new UsageError(`${file} cannot be read`);
    }
  };
  const [keys, tokens] = [read(keysFile), tokensFile === undefined ? null : read(tokensFile)];
  const { withCore } = await import('./with-core.ts');
  return withCore(values.config, terminal, async ({ store, secret, configuration, clock, log }) => {
    const { importJwthenticatorTables } = await import('../flows/jwthenticator-import.ts');
    const { openJwthenticatorHashes } = await import('../flows/jwthenticator-secrets.ts');
    const hashes = await openJwthenticatorHashes(store.jwthenticator, [secret, ...configuration.previous_secrets]);
    const parts = { store: store.jwthenticator, hashes, now: clock() };
    const counts = await importJwthenticatorTables({ keys, refreshTokens: tokens }, parts);
    log.audit({ event: 'jwthenticator.imported', detail: { keys: counts.keys, refresh_tokens: counts.refreshTokens } });
    terminal.out(`${counts.keys} keys and ${counts.refreshTokens} refresh tokens are here now\n`);
    return DONE;
  });
}
