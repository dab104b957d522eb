import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ask } from '../support/http-client.ts';
import { serve } from './kill-stage.ts';
import { startLoad } from './load.ts';
import { until } from './stage.ts';

interface Tokens {
  readonly token: string;
  readonly refresh_token: string;
}
type State = 'good' | 'ended' | 'unsure';

/** One login, refreshed again and again, and the keys that were made beside it. */
interface Line {
  /** The newest tokens that were acknowledged. */
  tokens: Tokens;
  /** Access tokens and keys by what is to be true of them. */
  readonly access: Map<string, State>;
  readonly keys: Map<string, State>;
}

it.each(['', 'workers: 2\n'])(
  'kill -9 among a thousand refreshes, revocations and keys loses nothing, with %j',
  async (more) => {
    const stage = await serve(
      `${more}auth_plugins: {session: {}, token: {}, apikey: {}}\nlogin_limits: {address: {attempts: 100000}}\n`,
    );
    const manager = (
      await stage.run('keys', 'create', '--user', 'alice', '--name', 'manager', '--scope', 'keys')
    ).trim();
    const send = (path: string, body: Record<string, unknown>, headers: Record<string, string> = {}) =>
      ask(`${stage.base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const passes = async (headers: Record<string, string>): Promise<State> => {
      const about = { 'x-original-url': 'https://app.example.com/', 'x-original-method': 'GET' };
      const { status } = await ask(`${stage.base}/validate`, { headers: { ...about, ...headers } });
      return status === 200 ? 'good' : 'ended';
    };
    // What it is, is asserted by what is done with it.
    const tokensOf = (body: Buffer) => JSON.parse(body.toString()) as Tokens;

    const surprises: string[] = [];
    const lines: Line[] = [];
    for (let index = 0; index < 6; index += 1) {
      const answer = await send('/auth', { username: 'alice', password: 'correct-horse' });
      lines.push({ tokens: tokensOf(answer.body), access: new Map(), keys: new Map() });
    }

    async function step(line: Line, turn: number): Promise<string> {
      if (turn % 3 === 0) {
        const { body, status } = await send('/refresh', { refresh_token: line.tokens.refresh_token });
        if (status !== 200) surprises.push(`refresh ${status}`);
        else {
          line.tokens = tokensOf(body);
          line.access.set(line.tokens.token, 'good');
        }
        return 'refresh';
      }
      if (turn % 3 === 1) {
        const { token } = line.tokens;
        line.access.set(token, 'unsure');
        const { status } = await send('/revoke', { token });
        if (status !== 200) surprises.push(`revoke ${status}`);
        else line.access.set(token, 'ended');
        return 'revoke';
      }
      const { body, status } = await send('/api/v1/keys', { name: 'x', scopes: [] }, { 'x-api-key': manager });
      if (status !== 201) surprises.push(`key ${status}`);
      else {
        const { key } = JSON.parse(body.toString()) as { key: string };
        line.keys.set(key, 'good');
        if (turn % 2 === 0) {
          line.keys.set(key, 'unsure');
          const revoked = await send('/revoke', { token: key });
          if (revoked.status === 200) line.keys.set(key, 'ended');
        }
      }
      return 'key';
    }

    const turns = new Map<number, number>();
    const load = startLoad(lines.length, async (lane) => {
      const line = lines[lane];
      if (line === undefined) return 'no lane';
      const turn = turns.get(lane) ?? 0;
      turns.set(lane, turn + 1);
      try {
        return await step(line, turn);
      } catch {
        await sleep(20);
        return 'broken';
      }
    });
    await until(() => load.total > 1_000, 90_000);
    await stage.halt('SIGKILL');
    const { counts } = await load.stop();
    expect(surprises).toEqual([]);
    expect(counts['broken']).toBeGreaterThan(0);
    await stage.start();

    const wrong: string[] = [];
    for (const { tokens, access, keys } of lines) {
      // Whether the last one was spent when the service went down or not, whoever holds it goes on.
      const refreshed = await send('/refresh', { refresh_token: tokens.refresh_token });
      if (refreshed.status !== 200) wrong.push(`refresh: ${refreshed.status}`);
      for (const [token, state] of access) {
        const found = await passes({ authorization: `Bearer ${token}` });
        if (state !== 'unsure' && found !== state) wrong.push(`access token: ${found} instead of ${state}`);
      }
      for (const [key, state] of keys) {
        const found = await passes({ 'x-api-key': key });
        if (state !== 'unsure' && found !== state) wrong.push(`key: ${found} instead of ${state}`);
      }
    }
    expect(wrong).toEqual([]);
    const ended = lines.flatMap(({ access, keys }) => [...access.values(), ...keys.values()]);
    expect(ended.filter((state) => state === 'ended').length).toBeGreaterThan(100);
  },
  180_000,
);
