import type { Endpoint } from './public-parts.ts';

/** What answers at one path. */
export interface Route {
  readonly methods: ReadonlyMap<string, Endpoint>;
  /** What stands in the place of `{id}`; empty where the path has none. */
  readonly id: string;
}

export interface Routes {
  /**
   * @param path as a URL has it, tidied up
   * @param target the request target as it came, or null where that is not known
   */
  find(path: string, target: string | null): Route | null;
  /** Whether something answers there already. */
  has(path: string): boolean;
  /** @param endpoint its path is below the base path, and may have one segment `{id}` */
  add(endpoint: Endpoint): void;
}

const VARIABLE = '{id}';
/** What can be an id: characters that mean nothing in a URL and are never encoded, so there is one spelling of each. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Exact paths in a map, and a few with an id in them. A router would read patterns into plugins' paths. */
export function createRoutes(base: string): Routes {
  const exact = new Map<string, Map<string, Endpoint>>();
  const templates: { before: string; after: string; methods: Map<string, Endpoint> }[] = [];

  function template(path: string): Map<string, Endpoint> {
    const [before = '', after = ''] = path.split(VARIABLE);
    const known = templates.find((one) => one.before === before && one.after === after);
    if (known !== undefined) return known.methods;
    const methods = new Map<string, Endpoint>();
    templates.push({ before, after, methods });
    return methods;
  }

  function matching(path: string): Route | null {
    for (const { before, after, methods } of templates) {
      if (!path.startsWith(before) || !path.endsWith(after)) continue;
      const id = path.slice(before.length, path.length - after.length);
      if (ID.test(id)) return { methods, id };
    }
    return null;
  }

  return {
    find(path, target) {
      // One spelling each: a front server that keeps a path to itself, or reads from it whose key it is, may tidy up less than
      // was tidied up here (`/x/../api/v1/keys`).
      const asked = target?.split('?', 1)[0] ?? path;
      const methods = exact.get(path);
      if (methods === undefined) return asked === path ? matching(path) : null;
      return (originForm(asked) || '/') === path ? { methods, id: '' } : null;
    },
    has: (path) => exact.has(base + path) || matching(base + path) !== null,
    add(endpoint) {
      const full = base + endpoint.path;
      const methods = full.includes(VARIABLE) ? template(full) : (exact.get(full) ?? new Map<string, Endpoint>());
      methods.set(endpoint.method, endpoint);
      if (!full.includes(VARIABLE)) exact.set(full, methods);
    },
  };
}

/** Of a target that names its host too, as a client of a proxy sends it, what is asked for there (RFC 9112 section 3.2.2). */
function originForm(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, '');
}
