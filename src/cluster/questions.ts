import type { Done, Errand } from './messages.ts';

export interface Replies {
  /** By the worker's number. */
  readonly answered: ReadonlyMap<number, Done>;
  /** Workers that had not answered in time, and are still there. */
  readonly late: readonly number[];
}

export interface Questions {
  /** Asks all of them at once. Resolves when each has answered or ended, or after `patience` ms. */
  ask(workers: readonly number[], what: Errand['what'], patience: number): Promise<Replies>;
  answered(worker: number, done: Done): void;
  ended(worker: number): void;
}

/** What the primary asks every worker for, and their answers. */
export function createQuestions(send: (worker: number, errand: Errand) => void): Questions {
  let last = 0;
  const open = new Map<
    number,
    { readonly waiting: Set<number>; readonly answered: Map<number, Done>; settle(): void }
  >();

  return {
    ask(workers, what, patience) {
      last += 1;
      const id = last;
      return new Promise((resolve) => {
        const waiting = new Set(workers);
        const answered = new Map<number, Done>();
        const finish = () => {
          clearTimeout(timer);
          open.delete(id);
          resolve({ answered, late: [...waiting] });
        };
        const timer = setTimeout(finish, patience);
        const settle = () => {
          if (waiting.size === 0) finish();
        };
        open.set(id, { waiting, answered, settle });
        for (const worker of workers) send(worker, { kind: 'errand', id, what });
        settle();
      });
    },
    answered(worker, done) {
      const question = open.get(done.id);
      if (question === undefined || !question.waiting.delete(worker)) return;
      question.answered.set(worker, done);
      question.settle();
    },
    ended(worker) {
      for (const question of [...open.values()]) {
        if (question.waiting.delete(worker)) question.settle();
      }
    },
  };
}
