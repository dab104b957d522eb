import { compilePattern } from '../decision/pattern.ts';
import { GatelodgeError } from '../domain/errors.ts';
import { type ConfigurationDocument, locate } from './document.ts';
import type { KeyPath } from './key-path.ts';
import { whyNoMethod } from './method.ts';
import { nearName } from './near-name.ts';
import type { Reporter } from './reporter.ts';
import type { Configuration, RuleConfiguration } from './schema.ts';

const CREDENTIAL_KEYS = ['plugins', 'mode'] as const;
const REQUIREMENT_KEYS = ['users', 'roles', 'groups', 'scopes', 'permission', 'mfa', 'max_age'] as const;

/**
 * What more than one key is needed to judge in `paths` and `auth`: names of plugin instances, patterns, contradictions.
 * @param inFile where a key path of what is left leads in the file
 * @param instances names under `auth_plugins`
 */
export function checkRules(
  configuration: Configuration,
  inFile: (path: KeyPath) => KeyPath,
  instances: readonly string[],
  document: ConfigurationDocument,
  reporter: Reporter,
): void {
  checkInstances(configuration.auth.default_plugins ?? [], ['auth', 'default_plugins'], instances, reporter);
  for (const [index, origin] of configuration.allowed_redirects.entries())
    checkPort(origin, ['allowed_redirects', index], reporter);
  const literals = new Set(configuration.paths.filter(({ regex }) => !regex).map(({ path }) => path));
  for (const [index, rule] of configuration.paths.entries()) {
    const path = ['paths', index];
    checkMatch(rule, path, reporter);
    checkReach(rule, literals, path, reporter);
    checkContradictions(rule, path, inFile(path), document, reporter);
    checkInstances(rule.plugins ?? [], [...path, 'plugins'], instances, reporter);
    if (rule.permission !== undefined)
      warn(reporter, [...path, 'permission'], 'nobody has permissions in this version: the rule refuses everybody');
    if (rule.mfa === true)
      warn(reporter, [...path, 'mfa'], 'there is no second factor in this version: the rule refuses everybody');
  }
}

function checkInstances(
  names: readonly string[],
  path: KeyPath,
  instances: readonly string[],
  reporter: Reporter,
): void {
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) reporter.report('duplicate-name', [...path, index], 'is named twice');
    if (instances.includes(name)) continue;
    const near = nearName(name, instances);
    const hint = near === null ? `configured are ${instances.join(', ') || 'none'}` : `did you mean ${near}?`;
    reporter.report('unknown-plugin', [...path, index], `no such instance under auth_plugins: ${hint}`);
  }
}

function checkMatch(rule: RuleConfiguration, path: KeyPath, reporter: Reporter): void {
  if (rule.host !== undefined) checkPort(rule.host, [...path, 'host'], reporter);
  for (const [index, method] of (rule.methods ?? []).entries()) {
    const why = whyNoMethod(method);
    if (why !== null) reporter.report('invalid-value', [...path, 'methods', index], why);
  }
  const headers = Object.keys(rule.headers ?? {});
  for (const [index, name] of headers.entries()) {
    if (headers.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === index) continue;
    reporter.report('duplicate-key', [...path, 'headers', name], 'names of header fields are the same in any case', {
      part: 'key',
    });
  }
  if (rule.path === undefined) {
    if (rule.regex) reporter.report('contradictory-rule', [...path, 'regex'], 'regex: true needs a path');
  } else if (!rule.regex) {
    const hint = rule.path.startsWith('^') ? '; for a regular expression add regex: true' : '';
    if (!rule.path.startsWith('/'))
      reporter.report('invalid-value', [...path, 'path'], `a literal path begins with a slash${hint}`);
  } else {
    try {
      compilePattern(rule.path);
    } catch (error) {
      if (!(error instanceof GatelodgeError)) throw error;
      reporter.report('invalid-pattern', [...path, 'path'], error.message);
    }
  }
}

/**
 * What a literal path silently leaves out. It would open nothing by itself, but a rule that protects does not hold there, and
 * what no rule matches is often open to every user.
 */
function checkReach(
  rule: RuleConfiguration,
  literals: ReadonlySet<string | undefined>,
  path: KeyPath,
  reporter: Reporter,
): void {
  const text = rule.path;
  if (text === undefined || rule.regex || !text.startsWith('/')) return;
  const doubt = (message: string) =>
    reporter.report('doubtful-path', [...path, 'path'], message, { severity: 'warning' });
  if (text.includes('*')) {
    doubt('a star stands for itself here: a literal path covers everything below it, and patterns need regex: true');
  } else if (text.length > 1 && text.endsWith('/') && rule.authenticate === true) {
    if (!literals.has(text.slice(0, -1)))
      doubt('the path without the slash at its end is not protected by this rule: leave the slash away to cover both');
  }
}

/** The schema has seen the form `host:port`; the number itself is judged here. */
function checkPort(text: string, path: KeyPath, reporter: Reporter): void {
  const digits = /:(\d+)$/.exec(text)?.[1];
  if (digits === undefined) return;
  const port = Number(digits);
  if (port < 1 || port > 65_535) reporter.report('invalid-value', path, 'a port is between 1 and 65535');
}

function checkContradictions(
  rule: RuleConfiguration,
  path: KeyPath,
  place: KeyPath,
  document: ConfigurationDocument,
  reporter: Reporter,
): void {
  const refuse = (keys: readonly (keyof RuleConfiguration)[], why: string) => {
    for (const key of keys) {
      if (locate(document, [...place, key]) === null || (key === 'mfa' && rule.mfa === false)) continue;
      reporter.report('contradictory-rule', [...path, key], why, { part: 'key' });
    }
  };
  if (rule.deny) {
    refuse(
      ['authenticate', ...CREDENTIAL_KEYS, ...REQUIREMENT_KEYS, 'rate_limit', 'rate_limits'],
      'the rule denies whatever matches: this has no meaning',
    );
  } else if (rule.authenticate === false) {
    refuse(
      [...CREDENTIAL_KEYS, ...REQUIREMENT_KEYS],
      'the rule looks at no credential (authenticate: false): this cannot be required',
    );
  } else if (rule.authenticate === 'optional') {
    refuse(REQUIREMENT_KEYS, 'the rule also lets nobody in (authenticate: optional): this cannot be required');
  }
  if (rule.rate_limit !== undefined) refuse(['rate_limits'], 'the rule has a rate_limit, which is the same');
  if (rule.plugins?.length === 0)
    reporter.report(
      'contradictory-rule',
      [...path, 'plugins'],
      'with no plugin, nobody can ever be let in: use deny: true',
    );
}

function warn(reporter: Reporter, path: KeyPath, message: string): void {
  reporter.report('not-in-this-version', path, message, { severity: 'warning' });
}
