import { setImmediate as nextTurn } from 'node:timers/promises';

/** What an upload's connection has in its buffers lasts longer. */
const TURN_MS = 10;

/** Does work step by step, and lets what waits, an upload above all, have its turn whenever it has gone on for a while. */
export async function takeTurns<T>(work: Generator<void, T>): Promise<T> {
  let beganMs = performance.now();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - beganMs < TURN_MS) continue;
    await nextTurn();
    beganMs = performance.now();
  }
}
