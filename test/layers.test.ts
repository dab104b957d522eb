import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

interface Import {
  readonly from: string;
  /** A file below src, or the name of a package. */
  readonly to: string;
  /** Types are gone at run time: they tie nothing together but what is named. */
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(SRC, file), 'utf8')));

function importsOf(file: string, text: string): Import[] {
  const stated = [...text.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)];
  const dynamic = [...text.matchAll(/\bimport\(\s*'([^']+)'/g)].map((match) => ['', undefined, match[1]] as const);
  return [...stated, ...dynamic].map(([, type, target = '']) => ({
    from: file,
    to: target.startsWith('.') ? relative(SRC, join(SRC, dirname(file), target)) : target,
    typeOnly: type !== undefined,
  }));
}

const layerOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : 'src');

/** What each layer may use at run time besides itself. `src`, `compose` and `cli` stand above all. */
const USES: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  adapters: ['domain'],
  stores: ['domain'],
  // `check` judges rules by the code that decides live.
  config: ['domain', 'adapters', 'decision'],
  decision: ['domain'],
  plugins: ['domain', 'adapters', 'config'],
  flows: ['domain', 'adapters', 'decision'],
  http: ['domain', 'config', 'decision', 'plugins'],
  client: [],
  compat: ['domain', 'http'],
};
/** Whose types they may name beyond that. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  adapters: ['config'],
  config: ['plugins'],
  decision: ['config'],
  flows: ['config'],
  http: ['adapters', 'flows'],
  compat: ['flows'],
};

describe('imports point inward', () => {
  it.each(Object.keys(USES))('from %s', (layer) => {
    const outward = imports.filter(({ from, to, typeOnly }) => {
      if (layerOf(from) !== layer || !to.endsWith('.ts')) return false;
      const allowed = [layer, ...(USES[layer] ?? []), ...(typeOnly ? (NAMES[layer] ?? []) : [])];
      return !allowed.includes(layerOf(to));
    });
    expect(outward.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('and are all found', () => {
    expect(imports.length).toBeGreaterThan(300);
    for (const layer of Object.keys(USES))
      expect(
        imports.some(({ from }) => layerOf(from) === layer),
        layer,
      ).toBe(true);
    const inner = imports.filter(({ to }) => to.endsWith('.ts'));
    expect(inner.filter(({ to }) => !files.includes(to))).toEqual([]);
  });
});

describe('the inner layers', () => {
  const packagesOf = (layer: string) =>
    new Set(imports.filter(({ from, to }) => layerOf(from) === layer && !to.endsWith('.ts')).map(({ to }) => to));

  it('of nouns do no I/O and need no package', () => {
    expect([...packagesOf('domain')].sort()).toEqual(['node:crypto', 'node:net']);
  });

  it('of decisions need a cache and regular expressions, and nothing that writes', () => {
    expect([...packagesOf('decision')].sort()).toEqual(['lru-cache', 're2js']);
  });

  it('know nothing of HTTP’s server', () => {
    for (const layer of ['domain', 'decision', 'flows', 'stores', 'plugins', 'config']) {
      for (const name of ['node:http', 'hono', '@hono/node-server'])
        expect(packagesOf(layer).has(name), `${layer} ${name}`).toBe(false);
    }
  });
});

it('the client is an island: it runs in browsers, and nothing here needs it', () => {
  const ways = imports.filter(({ from, to }) => (layerOf(from) === 'client') !== to.startsWith('client/'));
  expect(ways.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

it('no file leads back to itself', () => {
  const next = new Map(
    files.map((file) => [
      file,
      imports.filter(({ from, to, typeOnly }) => from === file && !typeOnly && to.endsWith('.ts')).map(({ to }) => to),
    ]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) cycles.push([...way.slice(way.indexOf(file)), file].join(' → '));
    if (finished.has(file) || way.includes(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...way, file]);
    finished.add(file);
  };
  for (const file of files) walk(file, []);
  expect(cycles).toEqual([]);
});
