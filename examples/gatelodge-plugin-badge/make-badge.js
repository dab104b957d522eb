#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { makeBadge } from './badge.js';

// The secret comes from a file: arguments and the environment can be read by other processes.
const [name, hours, file] = process.argv.slice(2);
if (name === undefined || !(Number(hours) > 0) || file === undefined) {
  process.stderr.write('Usage: make-badge NAME HOURS SECRET_FILE\n');
  process.exitCode = 2;
} else {
  const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  process.stdout.write(`${makeBadge(name, Date.now() + Number(hours) * 3_600_000, secret)}\n`);
}
