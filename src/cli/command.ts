import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { nearName } from '../config/near-name.ts';

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
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? inShort(error.message, Object.keys(options)) : 'wrong usage');
  }
}

/** What Node.js says, without its advice about arguments that begin with a dash, and with the option that was probably meant. */
function inShort(message: string, known: readonly string[]): string {
  const option = /^Unknown option '--([^']*)'/.exec(message)?.[1];
  if (option === undefined) return message;
  const near = nearName(option, known);
  return `there is no option --${option}${near === null ? '' : `: did you mean --${near}?`}`;
}
