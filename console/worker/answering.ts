import type { Question, Questions } from '../engine/questions.ts';

/** How each question is answered. */
export type Answering = {
  readonly [Name in Question]: (
    ask: Questions[Name]['ask'],
    tell: (told: Questions[Name]['told']) => void,
    signal: AbortSignal,
  ) => Promise<Questions[Name]['answer']>;
};
