import type { Runtime } from '../../core/ports/runtime.ts';

/** Waits for something that may fail or hang, but not longer than `timeoutMs`; never rejects. */
export async function waitAtMost(
  runtime: Pick<Runtime, 'after'>,
  timeoutMs: number,
  work: Promise<unknown>,
): Promise<void> {
  const timeUp = Promise.withResolvers<void>();
  const timer = runtime.after(timeoutMs, timeUp.resolve);
  await Promise.race([work.catch(() => undefined), timeUp.promise]);
  timer.stop();
}
