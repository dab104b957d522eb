/**
 * What a program does with the installed client, against a real gatelodge; the same on every runtime. Plain JavaScript, because
 * it runs there as it stands. It judges nothing, and tells what it saw.
 *
 * @param {{ createClient: Function, GatelodgeClientError: Function }} client what `gatelodge/client` exports
 * @param {{ url: string, away: string, absent: string, app: string, login: object, guessed: string, key: string }} world
 */
export async function walk({ createClient, GatelodgeClientError }, { url, away, absent, app, login, guessed, key }) {
  /** The client's clock, in ms. */
  let now = 0;
  const stored = [];
  const make = (options) =>
    createClient({
      url,
      origins: [app],
      clock: () => now,
      onTokens: (tokens) => void stored.push(tokens),
      timeout: 60_000,
      ...options,
    });
  const get = async (one, path, init) => {
    const response = await one.fetch(app + path, init);
    return [response.status, await response.text()];
  };
  const many = async (one, path) => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(one, path)));
    return answers.filter(([status]) => status === 200).length;
  };
  const errorOf = (work) =>
    work.then(
      () => 'no error',
      (error) => {
        if (!(error instanceof GatelodgeClientError)) return String(error);
        return [error.code, error.status ?? null, error.retryAfter ?? null, error.cause !== undefined];
      },
    );
  const newest = () => stored[stored.length - 1];
  const said = {};

  const one = make(login);
  said.first = await many(one, '/first');
  now += newest().expiresIn * 1_000 - 30_000;
  said.ahead = await get(one, '/ahead');
  // Nobody waited for it, but it was begun.
  while (stored.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  said.after = await get(one, '/after');
  now += newest().expiresIn * 1_000;
  said.ended = await many(one, '/ended');

  await one.revoke(newest().token);
  said.takenBack = await many(one, '/taken-back');
  await one.revoke(newest().token);
  said.posted = await get(one, '/posted', { method: 'POST', body: 'a text ü' });
  await one.revoke(newest().refreshToken);
  said.loginTakenBack = await get(one, '/login-taken-back');

  const byKey = make({ refreshToken: newest().refreshToken, key });
  said.beforeKey = await get(byKey, '/before-key');
  const alone = make({ refreshToken: newest().refreshToken });
  await byKey.revoke(newest().refreshToken);
  said.byKey = await get(byKey, '/by-key');

  said.errors = {
    refused: await errorOf(alone.fetch(`${app}/x`)),
    wrong: await errorOf(make({ ...login, password: 'wrong' }).fetch(`${app}/x`)),
    forbidden: await errorOf(byKey.fetch(`${url}/x`)),
    options: await errorOf(Promise.resolve().then(() => make({}))),
    path: await errorOf(make({ ...login, url: `${url}/not/here` }).fetch(`${app}/x`)),
    away: await errorOf(make({ ...login, url: away }).fetch(`${app}/x`)),
    absent: await errorOf(make({ ...login, url: absent }).fetch(`${app}/x`)),
    callback: await errorOf(make({ ...login, onTokens: () => Promise.reject(new Error('full')) }).fetch(`${app}/x`)),
    signal: await errorOf(one.fetch(`${app}/x`, { signal: AbortSignal.abort(new Error('enough')) })),
  };
  const guesses = Array.from({ length: 12 }, (_, index) => make({ username: guessed, password: `guess ${index}` }));
  said.guesses = await Promise.all(guesses.map((guess) => errorOf(guess.fetch(`${app}/x`))));

  const last = make(login);
  said.last = await get(last, '/last');
  await last.logout();
  said.errors.loggedOut = await errorOf(last.fetch(`${app}/x`));
  said.errors.afterLogout = await errorOf(make({ refreshToken: newest().refreshToken }).fetch(`${app}/x`));
  said.tokens = stored.map(({ token }) => token);
  return said;
}
