import type { AttemptBegun, AttemptOutcome, AttemptSubject, AttemptSubjectKind } from '../domain/login-attempts.ts';
import type { Snapshot } from '../domain/snapshot.ts';

/** What workers tell the process that started them. Everything survives structured cloning as JSON. */
export type ToPrimary =
  | { readonly kind: 'ready'; readonly addresses: readonly string[]; readonly publicUrl: string }
  | { readonly kind: 'ask'; readonly id: number; readonly question: AttemptQuestion }
  | Done
  /** It catches up when it is asked, and is waited for. */
  | { readonly kind: 'follows' }
  /** Something was committed that all others have to know of before whoever did it is told that it is done. */
  | { readonly kind: 'spread'; readonly id: number }
  /** How often each allowance was drawn on since the last such message. */
  | { readonly kind: 'taken'; readonly taken: readonly Taken[] };

/** What it tells them. */
export type ToWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: AttemptAnswer }
  | Errand
  /** `well` is false where one of them has not answered. */
  | { readonly kind: 'spread-done'; readonly id: number; readonly well: boolean }
  | { readonly kind: 'taken'; readonly taken: readonly Taken[] };

/** What it asks all of them for at once. */
export interface Errand {
  readonly kind: 'errand';
  readonly id: number;
  readonly what: 'reload' | 'measure' | 'catch-up';
}

/** One worker's answer to that. */
export interface Done {
  readonly kind: 'done';
  readonly id: number;
  /** False where the configuration was refused. */
  readonly well: boolean;
  /** Where metrics were asked for. */
  readonly snapshot?: Snapshot;
}

export type AttemptQuestion =
  | { readonly call: 'begin'; readonly subjects: readonly AttemptSubject[] }
  | { readonly call: 'end'; readonly subjects: readonly AttemptSubject[]; readonly outcome: AttemptOutcome }
  | { readonly call: 'forget'; readonly subject: Pick<AttemptSubject, 'kind' | 'key'> };

export type AttemptAnswer = AttemptBegun | readonly AttemptSubjectKind[] | boolean;

/** One key's use of one limit. */
export interface Taken {
  readonly limit: string;
  readonly key: string;
  /** How much it took. */
  readonly count: number;
  /** For how many ms it was blocked, where it was; else 0. */
  readonly blocked: number;
}
