import type { AuditReport, OnVerdicts } from '../client/audit-blocks.ts';
import type { Verdict } from '../core/verdict.ts';

/**
 * A verification: await it for its report, or iterate over it for the verdict of every block. It starts when you first do
 * either, and runs once.
 *
 * @example
 * const run = owner.verify('weather');
 * for await (const { index, verdict } of run) if (verdict !== 'intact') console.log(index, verdict);
 * console.log((await run).counts);
 */
export class Verification implements PromiseLike<AuditReport>, AsyncIterable<Verdict> {
  readonly #start: (onVerdicts: OnVerdicts) => Promise<AuditReport>;
  #report: Promise<AuditReport> | null = null;

  /** @param start runs it; called once */
  constructor(start: (onVerdicts: OnVerdicts) => Promise<AuditReport>) {
    this.#start = start;
  }

  /** The report, once all blocks are checked. Rejects if the verification fails. */
  // biome-ignore lint/suspicious/noThenProperty: awaiting it is what it is for.
  then<T = AuditReport, U = never>(
    onReport?: ((report: AuditReport) => T | PromiseLike<T>) | null,
    onError?: ((reason: unknown) => U | PromiseLike<U>) | null,
  ): Promise<T | U> {
    return this.#run(() => {}).then(onReport, onError);
  }

  /** Each block's verdict as soon as it is known; complete only if you have not awaited the report before. */
  async *[Symbol.asyncIterator](): AsyncIterator<Verdict> {
    const reached: Verdict[] = [];
    let wake = (): void => {};
    let isDone = false;
    const run = this.#run((verdicts) => {
      reached.push(...verdicts);
      wake();
    });
    const done = (): void => {
      isDone = true;
      wake();
    };
    run.then(done, done);
    while (!isDone || reached.length > 0) {
      if (reached.length === 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
      yield* reached.splice(0);
    }
    await run;
  }

  #run(onVerdicts: OnVerdicts): Promise<AuditReport> {
    this.#report ??= this.#start(onVerdicts);
    return this.#report;
  }
}
