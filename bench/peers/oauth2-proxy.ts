import { PASSWORD } from '../stand.ts';
import { cookieOf, type Peer } from './peer.ts';

/** Session by its own password form: the smallest that it has, all in the cookie. */
export const oauth2Proxy: Peer = {
  name: 'oauth2-proxy',
  files: ['oauth2-proxy.cfg', 'oauth2-proxy.htpasswd'],
  args: ['--config=oauth2-proxy.cfg'],
  address: { file: 'oauth2-proxy.cfg', text: (port) => `"127.0.0.1:${port}"`, port: 4180 },
  ready: '/ping',
  check: { path: '/oauth2/auth', status: 202 },
  async logIn(port) {
    const body = new URLSearchParams({ username: 'user-0', password: PASSWORD, rd: '/' });
    const url = `http://127.0.0.1:${port}/oauth2/sign_in`;
    return cookieOf(await fetch(url, { method: 'POST', body, redirect: 'manual' }), '_oauth2_proxy');
  },
};
