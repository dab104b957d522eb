import type { AttemptBegun, AttemptOutcome, AttemptSubject, AttemptSubjectKind } from '../domain/login-attempts.ts';

/** What workers tell the process that started them. Everything survives structured cloning as JSON. */
export type ToPrimary =
  | { readonly kind: 'ready'; readonly addresses: readonly string[]; readonly publicUrl: string }
  | { readonly kind: 'ask'; readonly id: number; readonly question: AttemptQuestion }
  /** How often each allowance was drawn on since the last such message. */
  | { readonly kind: 'taken'; readonly taken: readonly Taken[] };

/** What it tells them. */
export type ToWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: AttemptAnswer }
  | { readonly kind: 'taken'; readonly taken: readonly Taken[] };

export type AttemptQuestion =
  | { readonly call: 'begin'; readonly subjects: readonly AttemptSubject[] }
  | { readonly call: 'end'; readonly subjects: readonly AttemptSubject[]; readonly outcome: AttemptOutcome }
  | { readonly call: 'forget'; readonly subject: Pick<AttemptSubject, 'kind' | 'key'> };

export type AttemptAnswer = AttemptBegun | readonly AttemptSubjectKind[] | boolean;

/** One key's use of one limit. */
export interface Taken {
  readonly limit: string;
  readonly key: string;
  readonly count: number;
}
