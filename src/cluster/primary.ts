import cluster, { type Worker } from 'node:cluster';
import { systemClock } from '../domain/clock.ts';
import { createAttemptsInMemory } from '../stores/attempts-in-memory.ts';
import { createAttemptsOfWorkers } from './attempts-of-workers.ts';
import { keepHandedConnections } from './handed-connections.ts';
import type { ToPrimary, ToWorker } from './messages.ts';
import { createQuestions, type Replies } from './questions.ts';

export interface Ready {
  readonly addresses: readonly string[];
  readonly publicUrl: string;
}

export interface PrimaryEvents {
  /** All workers answer. */
  ready(facts: Ready): void;
  /** A worker ended that nobody told to; another takes its place. */
  lost(pid: number, code: number | null): void;
}

export interface Workers {
  /** Resolves to true when all have ended as they were told to; to false where they could not start. */
  readonly ended: Promise<boolean>;
  /** Has all of them read the configuration again. False where one refused it, or did not answer. */
  reload(): Promise<boolean>;
  /** What each counts. */
  measure(): Promise<Replies>;
  /** @param deadline in ms, after which they are killed */
  stop(deadline: number): void;
}

/** A worker that ends sooner than this after its start is not replaced at once, or a bad machine would do nothing else. */
const SHORT_LIFE = 2_000;
/** How long a worker may take to answer, in ms. A scrape does not wait; a reload may have plugins to load. */
const PATIENCE = { measure: 1_000, reload: 30_000, 'catch-up': 2_000 };

/**
 * Starts this program again as so many workers, which share its listeners. It decides nothing itself: it counts failed
 * logins for all of them, passes on what they tell each other, and replaces one that ends.
 * @param inheritsSockets true where the sockets were handed over to this process: Node.js closes them with the last worker,
 *   and nobody but whoever handed them over has them then
 */
export function startWorkers(count: number, inheritsSockets: boolean, events: PrimaryEvents): Workers {
  // Each worker accepts for itself then: what waits to be accepted when the last one ends stays where it is.
  if (inheritsSockets) cluster.schedulingPolicy = cluster.SCHED_NONE;
  const attempts = createAttemptsOfWorkers(createAttemptsInMemory(systemClock));
  const ready = new Map<number, Ready>();
  const following = new Set<number>();
  let stopping = false;
  let said = false;
  let failed = false;
  const questions = createQuestions((id, errand) => {
    const worker = cluster.workers?.[id];
    if (worker !== undefined) send(worker, errand);
  });
  let finish: (well: boolean) => void = () => {};
  const ended = new Promise<boolean>((resolve) => {
    finish = resolve;
  });

  function fork(): void {
    const worker = cluster.fork();
    const began = Date.now();
    keepHandedConnections(worker, () => [...ready.keys()].some((id) => id !== worker.id));
    // Writing to one that has just died fails; that it died is what matters, and comes next.
    worker.on('error', () => {});
    worker.on('message', (message: ToPrimary) => receive(worker, message));
    worker.on('exit', (code) => {
      ready.delete(worker.id);
      following.delete(worker.id);
      questions.ended(worker.id);
      attempts.ended(worker.id);
      if (!stopping && said) events.lost(worker.process.pid ?? 0, code);
      if (stopping || !said || (inheritsSockets && ready.size === 0)) {
        // One that cannot even start has said why; the others would fail alike.
        if (!stopping) {
          failed = true;
          killAll();
        }
        stopping = true;
        if (alive().length === 0) finish(!failed);
        return;
      }
      setTimeout(
        () => {
          if (!stopping) fork();
        },
        Math.max(0, began + SHORT_LIFE - Date.now()),
      );
    });
  }

  function receive(worker: Worker, message: ToPrimary): void {
    switch (message.kind) {
      case 'ask':
        void attempts
          .answer(worker.id, message.question)
          .then((reply) => send(worker, { kind: 'answer', id: message.id, answer: reply }));
        return;
      case 'taken':
        for (const other of alive()) if (other.id !== worker.id) send(other, message);
        return;
      case 'done':
        questions.answered(worker.id, message);
        return;
      case 'follows':
        following.add(worker.id);
        return;
      case 'spread': {
        const others = [...following].filter((id) => id !== worker.id);
        void questions.ask(others, 'catch-up', PATIENCE['catch-up']).then(({ late, answered }) => {
          const well = late.length === 0 && [...answered.values()].every((done) => done.well);
          send(worker, { kind: 'spread-done', id: message.id, well });
        });
        return;
      }
      case 'ready':
        ready.set(worker.id, message);
        if (said || ready.size < count) return;
        said = true;
        events.ready(message);
    }
  }

  for (let started = 0; started < count; started += 1) fork();
  return {
    ended,
    async reload() {
      const { answered, late } = await questions.ask([...ready.keys()], 'reload', PATIENCE.reload);
      return late.length === 0 && [...answered.values()].every(({ well }) => well);
    },
    measure: () => questions.ask([...ready.keys()], 'measure', PATIENCE.measure),
    stop(deadline) {
      stopping = true;
      for (const worker of alive()) worker.process.kill('SIGTERM');
      setTimeout(killAll, deadline).unref();
      if (alive().length === 0) finish(true);
    },
  };
}

function alive(): Worker[] {
  return Object.values(cluster.workers ?? {}).flatMap((worker) =>
    worker === undefined || worker.isDead() ? [] : worker,
  );
}

function killAll(): void {
  for (const worker of alive()) worker.process.kill('SIGKILL');
}

function send(worker: Worker, message: ToWorker): void {
  // A worker that has gone meanwhile needs no answer.
  if (worker.isConnected()) worker.send(message, () => {});
}
