import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** Done, refused or failed, wrong usage. */
export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;

/** Where a command reads and writes, so that a test can be at the other end. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly stdin: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True where people read along. */
  readonly interactive: boolean;
}

/** One command: its file in src/cli, its line in the contract. Loaded when it is called. */
export interface Command {
  readonly summary: string;
  readonly usage: string;
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/** Wrong words on the command line: shown with the usage, exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads options strictly. @throws UsageError for an unknown option, a missing value, or too many words */
export function readOptions<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T, positionals = 0) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    if (parsed.positionals.length > positionals)
      throw new UsageError(`unexpected: ${parsed.positionals[positionals] ?? ''}`);
    return parsed;
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : 'wrong usage');
  }
}
