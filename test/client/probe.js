/**
 * The same walk through the client on every platform that there is: Node.js of another age, Deno, Bun, a browser. Plain
 * JavaScript, because it runs there as it stands.
 *
 * @param {{ createClient: Function, lodge: { url: string, login: object, key: string }, app: string, elsewhere: string }} world
 */
export async function probe({ createClient, lodge, app, elsewhere }) {
  const client = createClient({ url: lodge.url, origins: [app], ...lodge.login });
  const json = async (response) => (await response).json();
  const codeOf = (work) =>
    work.then(
      () => 'no error',
      (error) => (error.name === 'GatelodgeClientError' ? error.code : error.name),
    );
  const form = new FormData();
  form.set('field', 'in a form');
  const said = {};

  const answers = await Promise.all([1, 2, 3, 4, 5].map((number) => json(client.fetch(`${app}/${number}`))));
  said.paths = answers.map(({ path }) => path);
  const afterwards = async (...request) => {
    await fetch(`${app}/expire`);
    return (await json(client.fetch(...request))).body;
  };
  said.text = await afterwards(`${app}/x`, { method: 'POST', body: 'a text ü' });
  said.bytes = await afterwards(`${app}/x`, { method: 'POST', body: new TextEncoder().encode('bytes') });
  said.request = await afterwards(new Request(`${app}/x`, { method: 'POST', body: 'a request' }));
  said.form = (await afterwards(`${app}/x`, { method: 'POST', body: form })).includes('in a form');
  const away = await client.fetch(`${app}/away`);
  said.away = [away.status, away.url === `${elsewhere}/stolen`];
  said.forbidden = await codeOf(client.fetch(`${elsewhere}/stolen`));
  const userinfo = app.replace('http://', 'http://a:b@');
  said.withPassword = await Promise.all([
    codeOf(client.fetch(`${userinfo}/x`)),
    codeOf(Promise.resolve().then(() => client.fetch(new Request(`${userinfo}/x`)))),
    codeOf(client.fetch(`${app}/with-password`)),
  ]);
  const given = new AbortController();
  given.abort();
  said.aborted = await codeOf(client.fetch(`${app}/x`, { signal: given.signal }));
  await client.logout();
  said.loggedOut = await codeOf(client.fetch(`${app}/x`));
  const wrong = createClient({ url: lodge.url, origins: [app], ...lodge.login, password: 'wrong' });
  said.wrong = await codeOf(wrong.fetch(`${app}/x`));
  const byKey = createClient({ url: lodge.url, origins: [app], key: lodge.key });
  said.key = (await byKey.fetch(`${app}/by-key`)).status;
  const absent = createClient({ url: 'http://127.0.0.1:9', origins: [app], ...lodge.login, timeout: 2_000 });
  said.absent = await codeOf(absent.fetch(`${app}/x`));
  return said;
}
