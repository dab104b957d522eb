import { join } from 'node:path';
import { chooseFrontServer, DemoRefused } from './demo/front-servers.ts';
import { explainDemo } from './demo/lines.ts';
import { startDemo } from './demo/stack.ts';

/** `npm run demo`: a sample application behind gatelodge and a real front server, on loopback, until Ctrl-C. */
process.chdir(join(import.meta.dirname, '..'));

const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
});

try {
  const [wanted = null, ...more] = process.argv.slice(2);
  if (more.length > 0) throw new DemoRefused('one front server at a time: npm run demo -- caddy');
  const frontServer = chooseFrontServer(wanted);
  process.stdout.write(`Starting ${frontServer.program} …\n`);
  const demo = await startDemo(frontServer, stopped);
  if (demo !== null) {
    process.stdout.write(explainDemo(demo));
    await stopped;
    process.stdout.write('\nStopping …\n');
    await demo.stop();
  }
} catch (error) {
  if (!(error instanceof DemoRefused)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
