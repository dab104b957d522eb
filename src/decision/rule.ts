import type { RuleConfiguration } from '../config/schema.ts';
import type { AccessRequest } from '../domain/access-request.ts';
import { ipv6Host, type NetworkSet, networkSet } from '../domain/network.ts';
import { literalPrefix, patternMatches, wholeBeginning } from './pattern.ts';

/** `app.example.com` or, with `wildcard`, everything below `example.com`; both in lower case. */
export interface HostPattern {
  readonly name: string;
  readonly wildcard: boolean;
  /** The effective port, or null for any. */
  readonly port: number | null;
}

interface RulePath {
  readonly kind: 'literal' | 'pattern';
  readonly text: string;
  /** All that a pattern asks for, where that is how the path begins; null for other patterns and for a literal. */
  readonly beginning: string | null;
}

/** One rule, ready to be matched. What it requires stays as it was configured. */
export interface Rule {
  /** From 1, in the order of the configuration. */
  readonly number: number;
  readonly required: RuleConfiguration;
  readonly host: HostPattern | null;
  /** null: any path. */
  readonly path: RulePath | null;
  /** Whether it looks at more than host and path. */
  readonly conditional: boolean;
  readonly methods: ReadonlySet<string> | null;
  readonly networks: NetworkSet | null;
  readonly headers: ReadonlyArray<readonly [string, string]> | null;
  readonly query: ReadonlyArray<readonly [string, string]> | null;
}

/** `undecidable`: the rule would match, but for something the request leaves open; it is refused rather than guessed. */
export type Match = 'yes' | 'no' | 'undecidable';

export function compileRule(configuration: RuleConfiguration, number: number): Rule {
  const { host, path, methods, networks, headers, query } = configuration;
  return {
    number,
    required: configuration,
    host: host === undefined ? null : parseHostPattern(host),
    path: path === undefined ? null : rulePath(path, configuration.regex),
    conditional: [methods, networks, headers, query].some((condition) => condition !== undefined),
    methods: methods === undefined ? null : withHead(methods),
    networks: networks === undefined ? null : networkSet(networks),
    headers:
      headers === undefined
        ? null
        : Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const),
    query: query === undefined ? null : Object.entries(query),
  };
}

function rulePath(text: string, isPattern: boolean): RulePath {
  return isPattern
    ? { kind: 'pattern', text, beginning: wholeBeginning(text) }
    : { kind: 'literal', text, beginning: null };
}

function parseHostPattern(text: string): HostPattern {
  const match = /^(\*\.)?(.*?)(?::(\d+))?$/.exec(text.startsWith('[') ? text : text.toLowerCase());
  const name = (match?.[2] ?? text).toLowerCase();
  return {
    name: name.startsWith('[') ? (ipv6Host(name.slice(1, -1)) ?? name) : name,
    wildcard: match?.[1] !== undefined,
    port: match?.[3] === undefined ? null : Number(match[3]),
  };
}

/** GET covers HEAD (RFC 9110 section 9.3.2: the same without the content). */
function withHead(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

/** Whether the rule is about this request. The host's name was matched by the index already. `path` is one reading. */
export function matchRule(rule: Rule, request: AccessRequest, path: string): Match {
  if (rule.host !== null && rule.host.port !== null && rule.host.port !== request.port) return 'no';
  if (rule.path !== null && !pathMatches(rule.path, path)) return 'no';
  if (!rule.conditional) return 'yes';
  let match: Match = 'yes';
  if (rule.methods !== null) {
    if (request.method === '') match = 'undecidable';
    else if (!rule.methods.has(request.method)) return 'no';
  }
  if (rule.networks !== null) {
    const address = request.clientAddress();
    if (address === null) match = 'undecidable';
    else if (!rule.networks.contains(address)) return 'no';
  }
  if (rule.headers !== null) {
    for (const [name, value] of rule.headers) {
      const found = matchValue(request.headers.all(name), value);
      if (found === 'no') return 'no';
      if (found === 'undecidable') match = found;
    }
  }
  if (rule.query !== null) {
    // It came as one character a byte; raw bytes mean what their percent-encoding means.
    const parameters = new URLSearchParams(Buffer.from(request.query, 'latin1').toString('utf8'));
    for (const [name, value] of rule.query) {
      const found = matchValue(parameters.getAll(name), value);
      if (found === 'no') return 'no';
      if (found === 'undecidable') match = found;
    }
  }
  return match;
}

/** Several values of which only some are the wanted one: nobody can tell which of them the application will take. */
function matchValue(values: readonly string[], wanted: string): Match {
  const equal = values.filter((value) => value === wanted).length;
  if (equal === 0) return 'no';
  return equal === values.length ? 'yes' : 'undecidable';
}

function pathMatches(pattern: RulePath, path: string): boolean {
  return pattern.kind === 'literal' ? literalCovers(pattern.text, path) : patternMatches(pattern.text, path);
}

/** A literal path covers itself and everything below it at a segment boundary. */
export function literalCovers(literal: string, path: string): boolean {
  if (!path.startsWith(literal)) return false;
  return path.length === literal.length || literal.endsWith('/') || path.charCodeAt(literal.length) === 0x2f;
}

/** The part of the path that everything the rule matches begins with, up to a segment boundary. */
export function indexedPath(rule: Rule): { readonly text: string; readonly belowOnly: boolean } {
  if (rule.path === null) return { text: '/', belowOnly: false };
  if (rule.path.kind === 'literal') return { text: rule.path.text, belowOnly: rule.path.text.endsWith('/') };
  return { text: literalPrefix(rule.path.text), belowOnly: true };
}
