#!/usr/bin/env node
// Nothing of the program is imported before this: on a Node.js without `node:sqlite` it would end in a bare crash.
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(`gatelodge needs Node.js 24 or newer; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  if (process.argv[2] === 'serve') {
    const { startOver } = await import('./start-over.ts');
    startOver();
  }
  const { boundHeap } = await import('./heap.ts');
  boundHeap();
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}
