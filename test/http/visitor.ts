import { PASSWORD, type PublicStand } from './public-stand.ts';

/** One browser on the stand: it keeps cookies, and fills in the form it was shown. */
export interface Visitor {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form as its page would; a field of undefined is left out. */
  post(path: string, fields: Record<string, string | undefined>, headers?: Record<string, string>): Promise<Response>;
  /** Opens the page and returns its form's CSRF field. */
  csrf(path: string): Promise<string>;
  /** Opens the login page and fills it in. */
  logIn(fields?: Record<string, string>): Promise<Response>;
}

export const ORIGIN = 'https://auth.example.com';

export function visitor(stand: PublicStand): Visitor {
  const cookies = new Map<string, string>();

  async function send(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie === '' ? init.headers : { cookie, ...init.headers };
    const response = await stand.request(path, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  const self: Visitor = {
    cookies,
    get: (path, headers = {}) => send(path, { headers: { accept: 'text/html', ...headers } }),
    post(path, fields, headers = {}) {
      const given = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined);
      const body = new URLSearchParams(given).toString();
      const form = { accept: 'text/html', origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' };
      return send(path, { method: 'POST', body, headers: { ...form, ...headers } });
    },
    async csrf(path) {
      return csrfField(await (await self.get(path)).text());
    },
    async logIn(fields = {}) {
      const csrf = await self.csrf('/gate/login?prompt=login');
      return self.post('/gate/login', { csrf, username: 'alice', password: PASSWORD, ...fields });
    },
  };
  return self;
}

export function csrfField(page: string): string {
  return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
}
