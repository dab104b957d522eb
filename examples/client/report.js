// Fetches a report from an application behind gatelodge, and logs in with the password only where it has to:
//   APP_ORIGIN=https://app.example.com GATELODGE_URL=https://auth.example.com … node report.js /reports/today
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createClient } from 'gatelodge/client';

const { APP_ORIGIN, GATELODGE_URL, GATELODGE_USER, GATELODGE_PASSWORD, TOKEN_FILE = 'refresh-token' } = process.env;

try {
  const client = createClient({
    url: GATELODGE_URL,
    // The token goes here and nowhere else.
    origins: [APP_ORIGIN],
    refreshToken: existsSync(TOKEN_FILE) ? readFileSync(TOKEN_FILE, 'utf8') : null,
    username: GATELODGE_USER,
    password: GATELODGE_PASSWORD,
    onTokens({ refreshToken }) {
      if (refreshToken === null) return;
      // Written beside and renamed: the one before it is spent, and half a token is none.
      writeFileSync(`${TOKEN_FILE}.new`, refreshToken, { mode: 0o600 });
      renameSync(`${TOKEN_FILE}.new`, TOKEN_FILE);
    },
  });
  const response = await client.fetch(new URL(process.argv[2] ?? '/', APP_ORIGIN), {
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`the application says ${response.status}`);
  process.stdout.write(await response.text());
} catch (error) {
  // Such as `rate-limited`; `retryAfter` says in how many seconds it is worth another try.
  console.error(`${error.code ?? error.name}: ${error.message}`, error.retryAfter ?? '');
  process.exitCode = 1;
}
