import { PASSWORD } from '../stand.ts';
import { cookieOf, type Peer } from './peer.ts';

/** Session by password, in its memory. */
export const authelia: Peer = {
  name: 'authelia',
  files: ['authelia.yml', 'authelia.users.yml'],
  args: ['--config', 'authelia.yml'],
  address: { file: 'authelia.yml', text: (port) => `tcp://127.0.0.1:${port}`, port: 9091 },
  ready: '/api/health',
  check: { path: '/api/authz/auth-request', status: 200 },
  async logIn(port) {
    const headers = {
      'content-type': 'application/json',
      'x-forwarded-host': 'auth.example.com',
      'x-forwarded-proto': 'https',
    };
    const body = JSON.stringify({ username: 'user-0', password: PASSWORD, keepMeLoggedIn: false });
    const url = `http://127.0.0.1:${port}/api/firstfactor`;
    return cookieOf(await fetch(url, { method: 'POST', headers, body }), 'authelia_session');
  },
};
