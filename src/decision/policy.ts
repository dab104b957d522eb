import type { Configuration } from '../config/schema.ts';
import type { AccessRequest } from '../domain/access-request.ts';
import { readPath, type UnreadablePath } from '../domain/path.ts';
import { covers, extentOf } from './coverage.ts';
import { compileRule, indexedPath, matchRule, type Rule } from './rule.ts';

/** All rules, indexed by host and by path segment, so that ten thousand cost what ten do. */
export interface Policy {
  readonly rules: readonly Rule[];
  readonly hosts: HostIndex;
}

/** What the policy says about a request: the one rule, or that none matches, or that it can't be told for certain. */
export type Applicable =
  | { readonly kind: 'rule'; readonly rule: Rule; readonly path: string }
  | { readonly kind: 'default'; readonly path: string }
  | { readonly kind: 'refused'; readonly reason: UnreadablePath; readonly rule: number };

interface HostIndex {
  readonly exact: Map<string, Segment>;
  /** Key `.example.com` for `*.example.com`. */
  readonly below: Map<string, Segment>;
  readonly any: Segment;
}

/** A node of the tree of path segments. Lists are in the order of the rules. */
interface Segment {
  readonly children: Map<string, Segment>;
  /** Rules for this path and everything below. */
  readonly here: Rule[];
  /** Rules for what stands below this path only. */
  readonly below: Rule[];
}

export function compilePolicy(configuration: Pick<Configuration, 'paths'>): Policy {
  const hosts: HostIndex = { exact: new Map(), below: new Map(), any: newSegment() };
  const rules = configuration.paths.map((rule, index) => compileRule(rule, index + 1));
  for (const rule of rules) insert(treeOf(hosts, rule), rule);
  return { rules, hosts };
}

/**
 * The rule that applies. Every way in which a server might read the path must lead to the same one; otherwise the request is
 * refused, since the gate could decide on another path than the application serves.
 */
export function findApplicable(policy: Policy, request: AccessRequest): Applicable {
  const readings = readPath(request.rawPath);
  if (typeof readings === 'string') return { kind: 'refused', reason: readings, rule: 0 };
  const first = firstMatch(policy.hosts, request, readings.canonical);
  if (first?.undecidable) return { kind: 'refused', reason: 'malformed-request', rule: first.rule.number };
  for (const reading of readings.others) {
    const other = firstMatch(policy.hosts, request, reading);
    if (other?.rule !== first?.rule) return { kind: 'refused', reason: 'ambiguous-path', rule: 0 };
  }
  if (first === null) return { kind: 'default', path: readings.canonical };
  return { kind: 'rule', rule: first.rule, path: readings.canonical };
}

interface FirstMatch {
  rule: Rule;
  undecidable: boolean;
}

function firstMatch(hosts: HostIndex, request: AccessRequest, path: string): FirstMatch | null {
  let best: FirstMatch | null = null;
  const exact = hosts.exact.get(request.host);
  if (exact !== undefined) best = searchTree(exact, request, path, best);
  if (hosts.below.size > 0) {
    for (let dot = request.host.indexOf('.'); dot !== -1; dot = request.host.indexOf('.', dot + 1)) {
      const tree = hosts.below.get(request.host.slice(dot));
      if (tree !== undefined && dot > 0) best = searchTree(tree, request, path, best);
    }
  }
  return searchTree(hosts.any, request, path, best);
}

function searchTree(root: Segment, request: AccessRequest, path: string, known: FirstMatch | null): FirstMatch | null {
  let best = searchList(root.here, request, path, known);
  let node: Segment | undefined = root;
  let at = 0;
  while (node !== undefined) {
    // Here `at` is the slash after the node's own segment, or the end of the path.
    if (at >= path.length) return best;
    best = searchList(node.below, request, path, best);
    let end = path.indexOf('/', at + 1);
    if (end === -1) end = path.length;
    if (node.children.size === 0) return best;
    node = node.children.get(path.slice(at + 1, end));
    if (node !== undefined) best = searchList(node.here, request, path, best);
    at = end;
  }
  return best;
}

function searchList(
  rules: readonly Rule[],
  request: AccessRequest,
  path: string,
  known: FirstMatch | null,
): FirstMatch | null {
  for (const rule of rules) {
    if (known !== null && rule.number >= known.rule.number) return known;
    const match = matchRule(rule, request, path);
    if (match !== 'no') return { rule, undecidable: match === 'undecidable' };
  }
  return known;
}

function treeOf(hosts: HostIndex, rule: Rule): Segment {
  if (rule.host === null) return hosts.any;
  const [map, key] = rule.host.wildcard ? [hosts.below, `.${rule.host.name}`] : [hosts.exact, rule.host.name];
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = newSegment();
  map.set(key, made);
  return made;
}

function insert(root: Segment, rule: Rule): void {
  const { text, belowOnly } = indexedPath(rule);
  let node = root;
  const segments = text.split('/').slice(1);
  if (belowOnly || text === '/') segments.pop();
  for (const name of segments) {
    let child = node.children.get(name);
    if (child === undefined) {
      child = newSegment();
      node.children.set(name, child);
    }
    node = child;
  }
  (belowOnly && text !== '' ? node.below : node.here).push(rule);
}

function newSegment(): Segment {
  return { children: new Map(), here: [], below: [] };
}

export interface PolicyFinding {
  /** From 1. */
  readonly rule: number;
  readonly code: 'unreachable-rule' | 'invalid-value';
  readonly message: string;
  readonly key?: string;
}

/** What only the whole set of rules shows: paths that no request can have, and rules that an earlier one leaves nothing to. */
export function checkPolicy(configuration: Pick<Configuration, 'paths'>): PolicyFinding[] {
  const findings: PolicyFinding[] = [];
  const policy = compilePolicy(configuration);
  for (const rule of policy.rules) {
    if (rule.path?.kind === 'literal') {
      // In the request it comes encoded; `%25`, `%2F` and their like are written in the configuration as they stay.
      const readings = readPath(encodeURI(rule.path.text).replaceAll('%25', '%'));
      const canonical =
        typeof readings !== 'string' && readings.canonical === rule.path.text && readings.others.length === 0;
      if (!canonical) {
        findings.push({
          rule: rule.number,
          key: 'path',
          code: 'invalid-value',
          message:
            'is not a canonical path: write it decoded, without dot segments, doubled slashes, backslashes or parameters',
        });
      }
    }
    const earlier = earlierThat(policy, rule);
    if (earlier !== null) {
      findings.push({
        rule: rule.number,
        code: 'unreachable-rule',
        message: `rule ${earlier.number} already matches everything that this rule matches`,
      });
    }
  }
  return findings;
}

/** The first rule before this one that matches all its requests, as far as that can be told for certain. */
function earlierThat(policy: Policy, rule: Rule): Rule | null {
  const trees: Segment[] = [policy.hosts.any];
  if (rule.host !== null) {
    const exact = rule.host.wildcard ? undefined : policy.hosts.exact.get(rule.host.name);
    if (exact !== undefined) trees.push(exact);
    const name = rule.host.wildcard ? `.${rule.host.name}` : rule.host.name;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const tree = policy.hosts.below.get(name.slice(dot));
      if (tree !== undefined) trees.push(tree);
    }
  }
  let found: Rule | null = null;
  const extent = extentOf(rule);
  const segments = extent.above.split('/').slice(1);
  for (const tree of trees) {
    let node: Segment | undefined = tree;
    for (let depth = 0; node !== undefined; depth += 1) {
      // Each list is in the order of the rules, the two together are not.
      for (const list of [node.here, node.below]) {
        for (const candidate of list) {
          if (candidate.number >= (found?.number ?? rule.number)) break;
          if (covers(candidate, rule, extent)) found = candidate;
        }
      }
      const segment = segments[depth];
      node = segment === undefined ? undefined : node.children.get(segment);
    }
  }
  return found;
}
