import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import { main } from '../../src/main.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
export interface Input {
  /** What comes on standard input, as from a pipe. */
  readonly stdin?: string | Uint8Array;
  /** Lines that somebody types on a terminal instead, one for each question. */
  readonly typed?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one command in this process, with a terminal whose other end is the test. */
export async function run(args: readonly string[], { stdin = '', typed, env = {} }: Input = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const input = new PassThrough();
  if (typed === undefined) input.end(stdin);
  const answers = [...(typed ?? [])];
  const code = await main(args, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      err += text;
      const answer = text.endsWith(': ') ? answers.shift() : undefined;
      if (answer !== undefined) setImmediate(() => input.write(`${answer}\n`));
    },
    // All that a command asks of it is to be read, and whether somebody types.
    stdin: Object.assign(input, { isTTY: typed !== undefined }) as unknown as NodeJS.ReadStream,
    env,
    interactive: false,
  });
  return { code, out, err };
}

export interface Place {
  readonly directory: string;
  /** gatelodge.yaml. */
  readonly file: string;
  read(name: string): string;
  /** Runs a command with `-c` this configuration. */
  run(args: readonly string[], input?: Input): Promise<Ran>;
}

/** A directory with a configuration, removed after the test. */
export function place(yaml: string, files: Readonly<Record<string, string>> = {}): Place {
  const directory = mkdtempSync(join(tmpdir(), 'gatelodge-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'gatelodge.yaml');
  for (const [name, text] of Object.entries({ ...files, 'gatelodge.yaml': yaml }))
    writeFileSync(join(directory, name), text);
  return {
    directory,
    file,
    read: (name) => readFileSync(join(directory, name), 'utf8'),
    run: (args, input) => run([...args, '-c', file], input),
  };
}
