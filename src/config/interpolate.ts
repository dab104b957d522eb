/** The environment, as `process.env` gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly text: string;
  /** Whether anything was taken from the environment or from a default. */
  readonly substituted: boolean;
  /** Variables that are not set and have no default. */
  readonly missing: readonly string[];
  /** Whether a `${` is no reference. */
  readonly malformed: boolean;
}

const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-((?:[^}$]|\$(?!\{))*))?\})?/g;

/**
 * Fills in `${NAME}` and `${NAME:-default}`; `$${` stands for `${` itself. As in a shell, the default is also taken for
 * an empty variable; a reference inside a default is not read, and malformed. What is filled in is text: it is not looked at again, neither for references nor as YAML.
 */
export function interpolate(text: string, env: Environment): Interpolated {
  if (!text.includes('${')) return { text, substituted: false, missing: [], malformed: false };
  const missing: string[] = [];
  let malformed = false;
  let substituted = false;
  const filled = text.replace(REFERENCE, (whole: string, name: string | undefined, fallback: string | undefined) => {
    if (whole === '$${') return '${';
    if (name === undefined) {
      malformed = true;
      return whole;
    }
    substituted = true;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  return { text: filled, substituted, missing, malformed };
}

/** The text in the file that stands for a literal text: the inverse of `interpolate`. */
export function escapeReferences(text: string): string {
  return text.replaceAll('${', '$${');
}
