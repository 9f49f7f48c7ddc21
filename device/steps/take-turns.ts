import type { Runtime } from '../../core/ports/runtime.ts';

/** What an upload's connection has in its buffers lasts longer. */
const TURN_MS = 10;

/** Does work step by step, and lets what waits, an upload above all, have its turn whenever it has gone on for a while. */
export async function takeTurns<T>(
  runtime: Pick<Runtime, 'monotonicMs' | 'nextTurn'>,
  work: Generator<void, T>,
): Promise<T> {
  let beganMs = runtime.monotonicMs();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) return step.value;
    if (runtime.monotonicMs() - beganMs < TURN_MS) continue;
    await runtime.nextTurn();
    beganMs = runtime.monotonicMs();
  }
}
