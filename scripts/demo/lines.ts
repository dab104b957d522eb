import type { Demo } from './stack.ts';

/** What people see. Every line that begins with `curl` or `TOKEN=` works as it is printed. */
export function explainDemo({ frontServer, app, admin, user }: Omit<Demo, 'stop'>): string {
  const login = `curl -ks ${app}/gatelodge/auth -d username=${admin.username} -d password=${admin.password}`;
  return `
${frontServer} from deploy/${frontServer}, gatelodge and a sample application are ready. Open

  ${app}/

(the certificate was made for this demo: your browser will warn of it) and log in as

  ${admin.username}  ${admin.password}
  ${user.username}  ${user.password}  (is refused at /admin)

A browser is sent to log in; /health is for everybody:
curl -ksi ${app}/ -H 'Accept: text/html'
curl -ks ${app}/health

With a password, and with an access token:
curl -ks ${app}/api/hello -u ${user.username}:${user.password}
TOKEN=$(${login} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
curl -ks ${app}/admin -H "Authorization: Bearer $TOKEN"

Ctrl-C ends everything and removes its files.
`;
}
