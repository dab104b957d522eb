import { isIP } from 'node:net';
import type { Explanation } from '../flows/explain.ts';
import { type Command, DONE, readOptions, UsageError } from './command.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  method: { type: 'string', default: 'GET' },
  user: { type: 'string' },
  roles: { type: 'string' },
  groups: { type: 'string' },
  scopes: { type: 'string' },
  ip: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const command: Command = {
  summary: 'tells which rule decides a URL, and why',
  usage: `Usage: gatelodge explain [-c FILE] [options] URL

  URL                absolute, or a path below public_url's host
  -c, --config FILE  configuration (default gatelodge.yaml)
  --method METHOD    request method (default GET)
  --user NAME        asked by this user, with the roles and groups that the directory has
  --roles A,B        with these roles instead
  --groups A,B       with these groups instead
  --scopes A,B       with a credential of these scopes alone; without it, one that is not restricted
  --ip ADDRESS       asked from this address; rules with networks need it
  --json             the same as one JSON object

Without --user and --roles nobody asks. Nothing is written, and no password or token is needed.`,
  async run(args, terminal) {
    const { values, positionals } = readOptions(args, OPTIONS, 1);
    const [url] = positionals;
    if (url === undefined) throw new UsageError('which URL?');
    if (values.ip !== undefined && isIP(values.ip) === 0) throw new UsageError('--ip takes an IP address');
    const [{ loadSound }, { openGate }, { readRequest }, { isMethod }, { assume, userOfDirectory }, { explain }] =
      await Promise.all([
        import('./configuration.ts'),
        import('./open-gate.ts'),
        import('./request-url.ts'),
        import('../http/target.ts'),
        import('./assumed.ts'),
        import('../flows/explain.ts'),
      ]);
    if (!isMethod(values.method)) throw new UsageError('--method takes an HTTP method');
    const { configuration, plugins } = await loadSound(values.config, terminal);
    const { gate, origin, close } = await openGate(configuration, plugins, Date.now);
    try {
      const request = readRequest({ url, method: values.method, ip: values.ip ?? null, origin });
      // It may hold a password: what was typed is not repeated.
      if (request === null)
        throw new UsageError(
          'that is no URL that a front server could ask about: write one such as https://app.example.com/x, or a path',
        );
      const { user } = values;
      const assumption = { user, roles: list(values.roles), groups: list(values.groups), scopes: list(values.scopes) };
      const known = user === undefined ? null : await userOfDirectory(configuration, user);
      const explanation = await explain(gate, request, assume(assumption, known, gate.clock()));
      terminal.out(
        values.json
          ? `${JSON.stringify(explanation)}\n`
          : await inWords(explanation, request.rawPath, {
              withoutAddress: values.ip === undefined,
              unknownUser: known === null ? (user ?? null) : null,
            }),
      );
    } finally {
      await close();
    }
    return DONE;
  },
};

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').filter((name) => name !== '');
}

/** The lines of python-auth-proxy's validate tool, in its order, with the decision added. */
async function inWords(
  explanation: Explanation,
  rawPath: string,
  { withoutAddress, unknownUser }: { readonly withoutAddress: boolean; readonly unknownUser: string | null },
): Promise<string> {
  const { rule, required, full_rule: fullRule, plugin_path: pluginPath } = explanation;
  const lines = [`Path: ${explanation.path ?? rawPath}`];
  if (pluginPath !== null) {
    lines.push(
      `Matching plugin path: ${pluginPath}`,
      `Plugin: ${explanation.plugin}`,
      `Description: ${explanation.description}`,
    );
  } else if (rule !== null) lines.push(`Matching rule #${rule}: ${explanation.pattern ?? '(any path)'}`);
  else if (explanation.reason === 'ambiguous-path' || explanation.path === null)
    lines.push('Matching rule: undecidable');
  else lines.push(`Matching rule: none (default_behavior: ${explanation.default_behavior})`);
  if (required !== null)
    lines.push(`Authentication required: ${required === 'optional' ? required : required ? 'True' : 'False'}`);
  if (required !== null && required !== false) {
    lines.push(`Authentication plugins: ${explanation.plugins.join(', ')}`, `Authentication mode: ${explanation.mode}`);
  }
  lines.push(
    `Decision: ${explanation.decision} (${explanation.status})`,
    `Reason: ${explanation.reason ?? whyAllowed(explanation)}`,
  );
  if (explanation.reason === 'malformed-request' && rule !== null && withoutAddress) {
    lines.push(`Hint: rule ${rule} looks at the client's address; say it with --ip`);
  }
  if (unknownUser !== null) lines.push(`Hint: the directory has no user ${unknownUser}`);
  if (explanation.identity !== null) lines.push(`Identity: ${inWordsWho(explanation.identity)}`);
  if (fullRule !== null) {
    const { stringify } = await import('yaml');
    lines.push('', 'Full matching rule:', stringify(fullRule, { lineWidth: 0 }).trimEnd().replaceAll(/^/gm, '  '));
  }
  return `${lines.join('\n')}\n`;
}

function whyAllowed({ plugin_path: pluginPath, required, identity }: Explanation): string {
  if (pluginPath !== null) return 'gatelodge answers this itself';
  if (required === false) return 'no credential is asked for';
  return identity === null ? 'a credential is optional' : 'everything that is required is met';
}

function inWordsWho({ username, roles, groups, scopes }: NonNullable<Explanation['identity']>): string {
  const facts = [`roles: ${roles.join(', ') || 'none'}`, `groups: ${groups.join(', ') || 'none'}`];
  if (scopes !== null) facts.push(`scopes: ${scopes.join(', ') || 'none'}`);
  return `${username === '' ? 'somebody' : username} (${facts.join('; ')})`;
}
