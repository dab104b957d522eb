import type { AttemptStore, AttemptSubject } from '../domain/login-attempts.ts';
import type { AttemptAnswer, AttemptQuestion } from './messages.ts';

export interface AttemptsOfWorkers {
  answer(worker: number, question: AttemptQuestion): Promise<AttemptAnswer>;
  /** Gives back what a worker had begun and will never end: it would count against the account for ever. */
  ended(worker: number): void;
}

/** One count of failed logins for all workers, in the process that started them. */
export function createAttemptsOfWorkers(store: AttemptStore): AttemptsOfWorkers {
  const underWay = new Map<number, Map<string, number>>();

  function count(worker: number, subjects: readonly AttemptSubject[], change: 1 | -1): void {
    const begun = underWay.get(worker) ?? new Map<string, number>();
    underWay.set(worker, begun);
    const key = JSON.stringify(subjects);
    const left = (begun.get(key) ?? 0) + change;
    if (left > 0) begun.set(key, left);
    else begun.delete(key);
  }

  return {
    async answer(worker, question) {
      switch (question.call) {
        case 'begin': {
          const begun = await store.begin(question.subjects);
          if (begun.kind === 'begun') count(worker, question.subjects, 1);
          return begun;
        }
        case 'end':
          count(worker, question.subjects, -1);
          return store.end(question.subjects, question.outcome);
        case 'forget':
          return store.forget(question.subject);
      }
    },
    ended(worker) {
      for (const [key, times] of underWay.get(worker) ?? []) {
        // It was made from these above.
        const subjects = JSON.parse(key) as readonly AttemptSubject[];
        for (let left = times; left > 0; left -= 1) void store.end(subjects, 'abandoned');
      }
      underWay.delete(worker);
    },
  };
}
