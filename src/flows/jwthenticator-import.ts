import { GatelodgeError } from '../domain/errors.ts';
import type { JwthenticatorKey, JwthenticatorRefreshToken, JwthenticatorStore } from '../domain/jwthenticator.ts';
import { newId } from '../domain/secret.ts';
import { parseUuid } from '../domain/uuid.ts';
import { KEY_PREFIX, REFRESH_TOKEN_PREFIX } from './jwthenticator.ts';
import type { JwthenticatorHashes } from './jwthenticator-secrets.ts';

/**
 * Brings the tables of a JWThenticator along: its keys, of which it has the SHA-512, and its refresh tokens, of which it has
 * the text. They keep their ends. Done again, nothing is there twice. Everything is read before anything is written.
 * @param tables CSV with a heading. Keys: `id`, `key_hash`, `identifier`, `expires_at`; refresh tokens: `token`, `key_id`,
 *   `expires_at`; times in UTC as PostgreSQL and SQLite write them
 * @throws GatelodgeError `invalid-request`, with the line of the first row that cannot be read
 */
export async function importJwthenticatorTables(
  tables: { readonly keys: string; readonly refreshTokens: string | null },
  parts: { readonly store: JwthenticatorStore; readonly hashes: JwthenticatorHashes; readonly now: number },
): Promise<{ readonly keys: number; readonly refreshTokens: number }> {
  const { store, hashes, now } = parts;
  const keys = new Map<string, JwthenticatorKey>();
  for (const row of rowsOf(tables.keys, ['id', 'key_hash', 'identifier', 'expires_at'])) {
    const sha512 = row.cell('key_hash', (text) => (/^[0-9a-f]{128}$/.test(text) ? text : null));
    const identifier = row.cell('identifier', parseUuid);
    const times = { createdAt: now, expiresAt: row.cell('expires_at', parseTime) };
    const key = { id: newId(KEY_PREFIX), keyHash: hashes.ofKeyDigest(sha512), identifier, ...times };
    keys.set(row.cell('id', parseNumber), key);
  }
  const tokens: JwthenticatorRefreshToken[] = [];
  const rows = tables.refreshTokens === null ? [] : rowsOf(tables.refreshTokens, ['token', 'key_id', 'expires_at']);
  const places: string[] = [];
  for (const row of rows) {
    const text = row.cell('token', (cell) => (/^[\x21-\x7e]{32,512}$/.test(cell) ? cell : null));
    const times = { createdAt: now, expiresAt: row.cell('expires_at', parseTime) };
    places.push(row.cell('key_id', (cell) => (keys.has(cell) ? cell : null)));
    tokens.push({ id: newId(REFRESH_TOKEN_PREFIX), tokenHash: hashes.ofRefreshToken(text), keyId: '', ...times });
  }

  const idsHere = new Map<string, string>();
  for (const [idThere, key] of keys) idsHere.set(idThere, (await store.register(key)).id);
  let imported = 0;
  for (const [index, token] of tokens.entries()) {
    if ((await store.findRefreshToken(token.tokenHash)) !== null) continue;
    const keyId = idsHere.get(places[index] ?? '') ?? '';
    if (await store.insertRefreshToken({ ...token, keyId })) imported += 1;
  }
  return { keys: idsHere.size, refreshTokens: imported };
}

interface Row {
  /** The cell of a column, as `parse` has it. Throws where that is null. */
  cell<T>(column: string, parse: (text: string) => T | null): T;
}

/** None of these tables has a cell with a comma, a quote or a line break of its own. */
function rowsOf(csv: string, columns: readonly string[]): readonly Row[] {
  const lines = csv.replace(/^\ufeff/, '').split(/\r?\n/);
  const heading = cellsOf(lines[0] ?? '');
  const missing = columns.filter((column) => !heading.includes(column));
  if (missing.length > 0) throw unreadable(1, missing[0] ?? '');
  return lines.flatMap((line, index) => {
    if (index === 0 || line.trim() === '') return [];
    const cells = cellsOf(line);
    return [
      {
        cell(column, parse) {
          const found = parse(cells[heading.indexOf(column)] ?? '');
          if (found === null) throw unreadable(index + 1, column);
          return found;
        },
      },
    ];
  });
}

function cellsOf(line: string): readonly string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function parseNumber(text: string): string | null {
  return /^\d{1,18}$/.test(text) ? text : null;
}

/** `2026-01-31 12:00:00.123456`, which JWThenticator means in UTC; also with `T` and with a zone. ms since the epoch. */
function parseTime(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text);
  if (match === null) return null;
  const [, date, time, fraction = '0', zone = 'Z'] = match;
  const full = zone === 'Z' ? zone : `${zone.replace(':', '')}00`.replace(/^(.\d\d)(\d\d).*$/, '$1:$2');
  const at = Date.parse(`${date}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${full}`);
  return Number.isNaN(at) ? null : at;
}

/** The cell is not quoted: it may be a credential. */
function unreadable(line: number, column: string): GatelodgeError {
  return new GatelodgeError('invalid-request', `line ${line}: ${column} is missing or cannot be read`);
}
