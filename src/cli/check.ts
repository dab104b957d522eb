import type { LoadedConfiguration } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import { type Command, DONE, FAILED, readOptions } from './command.ts';

export const command: Command = {
  summary: 'reports everything that is wrong with a configuration, and runs its tests',
  usage: `Usage: gatelodge check [-c FILE] [--json]

  -c, --config FILE  configuration (default gatelodge.yaml)
  --json             an array of {severity, file, line, column, path, code, message}

Prints file:line:column: key.path: message for each problem; exits 1 where one of them is an error. Nothing is written.`,
  async run(args, terminal) {
    const { values } = readOptions(args, {
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean', default: false },
    });
    const { loadConfiguration } = await import('../config/load.ts');
    const { formatProblem } = await import('../config/problem.ts');
    const file = values.config ?? 'gatelodge.yaml';
    const loaded = await loadConfiguration({ file, env: terminal.env });
    const problems = loaded.configuration === null ? loaded.problems : await withTests(loaded);
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    if (values.json) terminal.out(`${JSON.stringify(problems, null, 2)}\n`);
    else {
      for (const problem of problems) terminal.out(`${formatProblem(problem)}\n`);
      if (errors === 0) terminal.out(`${summary(loaded, problems.length)}\n`);
    }
    return errors === 0 ? DONE : FAILED;
  },
};

async function withTests(loaded: LoadedConfiguration): Promise<readonly Problem[]> {
  const { runPolicyTests } = await import('./policy-tests.ts');
  const problems = [...loaded.problems, ...(await runPolicyTests(loaded))];
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function summary({ file, configuration }: LoadedConfiguration, warnings: number): string {
  const rules = counted(configuration?.paths.length ?? 0, 'rule');
  const tests = counted(configuration?.tests.length ?? 0, 'test');
  return `${file}: ${rules}, ${tests}, ${warnings === 0 ? 'no problems' : counted(warnings, 'warning')}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
