import { type Command, DONE, FAILED, type Terminal, UsageError, WRONG_USAGE } from './cli/command.ts';
import { GatelodgeError } from './domain/errors.ts';

/** Each command's module is loaded when it is called: `hash` needs no database, and `check` no HTTP. */
const COMMANDS: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  serve: () => import('./cli/serve.ts'),
  check: () => import('./cli/check.ts'),
  explain: () => import('./cli/explain.ts'),
  plugins: () => import('./cli/plugins.ts'),
  reload: () => import('./cli/reload.ts'),
  hash: () => import('./cli/hash.ts'),
  init: () => import('./cli/init.ts'),
  users: () => import('./cli/users.ts'),
  keys: () => import('./cli/keys.ts'),
  sessions: () => import('./cli/sessions.ts'),
  tokens: () => import('./cli/tokens.ts'),
  'signing-keys': () => import('./cli/signing-keys.ts'),
  jwthenticator: () => import('./cli/jwthenticator.ts'),
};

/** Runs one command. @returns the exit code: 0 done, 1 refused or failed, 2 wrong usage */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal[name === undefined ? 'error' : 'out'](await overview());
    return name === undefined ? WRONG_USAGE : DONE;
  }
  if (name === '--version') {
    const { version } = await import('./version.ts');
    terminal.out(`${await version()}\n`);
    return DONE;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    terminal.error(`gatelodge: there is no command ${JSON.stringify(name)}\n\n${await overview()}`);
    return WRONG_USAGE;
  }
  const { command } = await load();
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(`${command.summary}\n\n${command.usage}\n`);
    return DONE;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.error(`gatelodge ${name}: ${error.message}\n\n${command.usage}\n`);
      return WRONG_USAGE;
    }
    if (error instanceof GatelodgeError) {
      terminal.error(`gatelodge ${name}: ${error.message} (${error.code})\n`);
      return FAILED;
    }
    throw error;
  }
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(14)}${(await load()).command.summary}`),
  );
  return `gatelodge: the lodge beside the gate\n\nUsage: gatelodge <command> [options]\n\n${lines.join('\n')}\n\n\`gatelodge <command> --help\` tells more.\n`;
}

function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    env: process.env,
    interactive: process.stdout.isTTY === true,
  };
}
