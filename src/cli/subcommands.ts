import { type Terminal, UsageError } from './command.ts';

export type Subcommand = (args: readonly string[], terminal: Terminal) => Promise<number>;

/** Runs `<command> <subcommand> …`. @throws UsageError where there is none of the name */
export async function runSubcommand(
  subcommands: Readonly<Record<string, Subcommand>>,
  [name, ...rest]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const run = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (run === undefined) throw new UsageError(`expected one of ${Object.keys(subcommands).join(', ')}`);
  return run(rest, terminal);
}

/** The one word that a subcommand is about. @throws UsageError where it is missing */
export function required(word: string | undefined, what: string): string {
  if (word === undefined || word === '') throw new UsageError(`${what} is missing`);
  return word;
}

/** An id may begin with a hyphen, which an option would; told apart by its length. */
export function splitId(args: readonly string[]): {
  readonly id: string | undefined;
  readonly rest: readonly string[];
} {
  const id = args.find((word) => /^-[A-Za-z0-9_-]{15}$/.test(word));
  return { id, rest: args.filter((word) => word !== id) };
}
