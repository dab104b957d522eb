import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Gatelodge, startGatelodge } from '../support/gatelodge.ts';
import { type Scraped, scrape } from '../support/scrape.ts';
import { type Attack, startAttack } from './attack.ts';
import { checkLoad, type Outcome } from './load.ts';

/** What 99 checks in 100 may take at most, in ms: attackers, checks, the service and other tests share the processors. */
const SANE = 1_000;
const MEGABYTE = 1_048_576;
/** When a head that has not come is given up, in ms, and how much later 10,000 of them may be gone on a busy machine. */
export const HEAD_GIVEN_UP = 10_000 + 20_000;

export interface Service extends Gatelodge {
  /** Ports. */
  readonly decisions: number;
  readonly pages: number;
  readonly base: string;
  measure(): Promise<Scraped>;
}

/** A service with a listener for checks, one for pages and one for metrics, until the test ends. @param more configuration */
export async function serve({ openFiles, more = '' }: { openFiles?: number; more?: string } = {}): Promise<Service> {
  const [decisions, pages, metrics] = [await freePort(), await freePort(), await freePort()];
  const gatelodge = await startGatelodge({
    yaml: `
listen: [{port: ${decisions}, serves: [decisions]}, {port: ${pages}, serves: [public]}]
metrics: {listen: {port: ${metrics}}}
paths: [{path: /open, authenticate: false}]
users: [{username: alice, password: correct-horse}]
${more}`,
    ready: decisions,
    ...(openFiles === undefined ? {} : { openFiles }),
  });
  onTestFinished(gatelodge.stop);
  const base = `http://127.0.0.1:${decisions}`;
  return { ...gatelodge, decisions, pages, base, measure: () => scrape(`http://127.0.0.1:${metrics}/metrics`) };
}

/** As `startAttack`, until the test ends. */
export async function attack(kind: string, port: number, count: number): Promise<Attack> {
  const attacking = await startAttack(kind, port, count);
  onTestFinished(attacking.stop);
  return attacking;
}

/** @param patience in ms */
export async function until(what: () => boolean | Promise<boolean>, patience: number): Promise<void> {
  for (const end = performance.now() + patience; performance.now() < end; await sleep(100)) if (await what()) return;
  throw new Error(`it did not happen in ${patience} ms`);
}

/** Checks for so long, in ms. */
export async function checksFor(service: Service, time: number): Promise<Outcome> {
  const load = checkLoad(service.base);
  await sleep(time);
  return load.stop();
}

export interface Memory {
  /** All that the system says it has. */
  readonly resident: number;
  /** What JavaScript uses of it. */
  readonly used: number;
}

/** Memory in MB: the smallest of a few readings, since garbage comes and goes. */
export async function memoryOf(service: Service): Promise<Memory> {
  const readings: Memory[] = [];
  for (let times = 0; times < 6; times += 1) {
    await checksFor(service, 300);
    const read = await service.measure();
    const used = read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes');
    readings.push({ resident: read('process_resident_memory_bytes') / MEGABYTE, used: used / MEGABYTE });
  }
  return {
    resident: Math.min(...readings.map(({ resident }) => resident)),
    used: Math.min(...readings.map(({ used }) => used)),
  };
}

export function expectSane(what: string, { counts, total, p99, slowest }: Outcome): void {
  console.log(`${what}: ${total} checks, p99 ${p99.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`);
  expect(Object.keys(counts)).toEqual(['200']);
  expect(total).toBeGreaterThan(100);
  expect(p99).toBeLessThan(SANE);
}
