import type { FirstAdministrator } from './first-administrator.ts';

/** What people see when the service is ready. Every line that begins with `curl` or `TOKEN=` works as it is printed. */
export function welcome(facts: {
  readonly addresses: readonly string[];
  readonly publicUrl: URL;
  readonly administrator: FirstAdministrator | null;
}): string {
  const { addresses, administrator } = facts;
  const base = facts.publicUrl.href.replace(/\/$/, '');
  const at = addresses.find((address) => address.startsWith('http'));
  const lines = [`gatelodge is ready at ${addresses.join(', ')}`, `Browsers reach it at ${base}/login`, ''];
  if (administrator !== null) {
    lines.push(
      'An administrator was made. This password is shown once:',
      `  user name  ${administrator.username}`,
      `  password   ${administrator.password}`,
      '',
    );
  }
  if (at === undefined) return `${lines.join('\n')}\n`;
  const check = `curl -si ${at}/validate -H 'X-Original-URL: http://app.localhost/' -H 'X-Original-Method: GET'`;
  lines.push('What a front server asks about a request of nobody (401, and where to log in):', check, '');
  if (administrator !== null) {
    const login = `curl -s ${at}${facts.publicUrl.pathname.replace(/\/$/, '')}/auth -d username=${administrator.username} -d password=${administrator.password}`;
    lines.push(
      'An access token, and the same question with it (200, and who it is):',
      `TOKEN=$(${login} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`,
      `${check} -H "Authorization: Bearer $TOKEN"`,
      '',
    );
  }
  lines.push('Next: put nginx in front (deploy/nginx), or `gatelodge init` for a configuration of your own.');
  return `${lines.join('\n')}\n`;
}
