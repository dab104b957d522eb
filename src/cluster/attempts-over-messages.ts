import { GatelodgeError } from '../domain/errors.ts';
import type { AttemptBegun, AttemptStore, AttemptSubjectKind } from '../domain/login-attempts.ts';
import type { AttemptAnswer, AttemptQuestion } from './messages.ts';
import type { Primary } from './worker.ts';

/** Failed logins are counted once for all workers, by the process that started them: four workers give nobody four times the guesses. */
export function createAttemptsOverMessages(primary: Primary): AttemptStore {
  let last = 0;
  const waiting = new Map<number, (answer: AttemptAnswer) => void>();
  primary.onMessage((message) => {
    if (message.kind !== 'answer') return;
    waiting.get(message.id)?.(message.answer);
    waiting.delete(message.id);
  });

  function ask<Answer extends AttemptAnswer>(question: AttemptQuestion): Promise<Answer> {
    return new Promise((resolve, reject) => {
      last += 1;
      const id = last;
      // The primary answers each call with what that call returns.
      waiting.set(id, (answer) => resolve(answer as Answer));
      primary.send({ kind: 'ask', id, question }, (error) => {
        if (error === null || !waiting.delete(id)) return;
        reject(new GatelodgeError('store-unavailable', 'failed logins cannot be counted', { cause: error }));
      });
    });
  }

  return {
    begin: (subjects) => ask<AttemptBegun>({ call: 'begin', subjects }),
    end: (subjects, outcome) => ask<readonly AttemptSubjectKind[]>({ call: 'end', subjects, outcome }),
    forget: (subject) => ask<boolean>({ call: 'forget', subject }),
  };
}
