import type { Failure, FromWorker, Question, Questions, ToWorker } from '../engine/questions.ts';

/** Something that went wrong and that the reader is told. */
export class AskError extends Error {
  override readonly name: string;

  constructor({ name, message }: Failure) {
    super(message);
    this.name = name;
  }
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly onTold: (told: unknown) => void;
}

export type Ask = <Name extends Question>(
  question: Name,
  ask: Questions[Name]['ask'],
  options?: { readonly onTold?: (told: Questions[Name]['told']) => void; readonly signal?: AbortSignal },
) => Promise<Questions[Name]['answer']>;

/** Asks a worker; whoever aborts the signal hears `AbortError`, and the worker stops. */
export function askThrough(worker: Worker): Ask {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const send = (message: ToWorker): void => worker.postMessage(message);
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    const one = waiting.get(data.id);
    if (one === undefined) return;
    if ('told' in data) {
      one.onTold(data.told);
      return;
    }
    waiting.delete(data.id);
    if ('failure' in data) one.reject(new AskError(data.failure));
    else one.resolve(data.answer);
  });
  worker.addEventListener('error', ({ message }) => {
    const failure = { name: 'Error', message: `The page's worker ended: ${message || 'it could not be loaded'}.` };
    for (const one of waiting.values()) one.reject(new AskError(failure));
    waiting.clear();
  });
  return (question, ask, { onTold, signal } = {}) =>
    new Promise((resolve, reject) => {
      last += 1;
      const id = last;
      const abort = (): void => {
        waiting.delete(id);
        send({ id, question: 'abort', ask: null });
        reject(signal?.reason);
      };
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      waiting.set(id, {
        resolve: resolve as (answer: unknown) => void,
        reject,
        onTold: (onTold ?? (() => undefined)) as (told: unknown) => void,
      });
      send({ id, question, ask });
    });
}
