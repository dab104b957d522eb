import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { GatelodgeError } from '../domain/errors.ts';
import type { Terminal } from './command.ts';

/** More than any password that can be hashed; whoever sends more is not asked for it. */
const MOST_BYTES = 4_096;

/**
 * A password from the terminal, where nothing of it is shown, or from one line of standard input. Never from the command
 * line, which every user of the machine can read and which the shell remembers.
 * @param options.what where it is something else that is as secret
 * @param options.twice asks again, as for a password that is being set
 * @throws GatelodgeError `invalid-request` where there is none, or the two differ
 */
export async function readPassword(
  terminal: Terminal,
  options: { readonly twice: boolean; readonly what?: string },
): Promise<string> {
  const { what = 'password' } = options;
  const prompt = `${what.charAt(0).toUpperCase()}${what.slice(1)}: `;
  if (terminal.stdin.isTTY !== true) return notEmpty(await readLine(terminal.stdin), what);
  const [password = '', again] = await askUnseen(terminal, options.twice ? [prompt, 'Again: '] : [prompt], what);
  if (again !== undefined && again !== password) throw invalid('the two passwords differ');
  return notEmpty(password, what);
}

/** Asks on a terminal for something that may be seen. An empty answer is the default. */
export async function ask(terminal: Terminal, question: string, fallback: string): Promise<string> {
  terminal.error(`${question} [${fallback}]: `);
  return (await readLine(terminal.stdin)).trim() || fallback;
}

/** One line editor for all of it: what was typed or pasted ahead is not lost. */
async function askUnseen(terminal: Terminal, prompts: readonly string[], what: string): Promise<readonly string[]> {
  // It echoes into nothing; the terminal itself is in raw mode meanwhile and echoes nothing either.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({ input: terminal.stdin, output: nowhere, terminal: true, historySize: 0 });
  const answers: string[] = [];
  try {
    terminal.error(prompts[0] ?? '');
    await new Promise<void>((resolve, reject) => {
      editor.on('line', (line) => {
        answers.push(line);
        terminal.error(`\n${prompts[answers.length] ?? ''}`);
        if (answers.length === prompts.length) resolve();
      });
      // Ctrl-C and Ctrl-D both close it.
      editor.once('close', () => {
        if (answers.length < prompts.length) terminal.error('\n');
        reject(invalid(`no ${what} was given`));
      });
    });
    return answers.slice(0, prompts.length);
  } finally {
    editor.close();
  }
}

/** The first line, without its end; whatever follows is left alone. */
async function readLine(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer | string) => {
      const bytes = Buffer.from(chunk);
      chunks.push(bytes);
      length += bytes.length;
      if (bytes.includes(0x0a) || length > MOST_BYTES) done();
    };
    const done = () => {
      stdin.off('data', take).off('end', done).off('error', reject);
      // Whoever keeps the pipe open does not keep the command waiting. (A file has nothing to be unreferenced.)
      stdin.pause();
      stdin.unref?.();
      resolve();
    };
    stdin.ref?.();
    stdin.on('data', take).once('end', done).once('error', reject).resume();
  });
  const all = Buffer.concat(chunks);
  const end = all.indexOf(0x0a);
  const line = end === -1 ? all : all.subarray(0, end);
  if (line.length > MOST_BYTES) throw invalid('the line is too long');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line).replace(/\r$/, '');
  } catch {
    throw invalid('the line is no UTF-8');
  }
}

function notEmpty(text: string, what: string): string {
  if (text === '') throw invalid(`no ${what} was given`);
  return text;
}

function invalid(message: string): GatelodgeError {
  return new GatelodgeError('invalid-request', message);
}
