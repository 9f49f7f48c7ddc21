import { setImmediate as realTurn } from 'node:timers/promises';
import type { Runtime, Timer } from '../../core/ports/runtime.ts';

interface Alarm {
  readonly atMs: number;
  readonly run: () => void;
}

/**
 * Time that passes only when a test says so, and then at once: from each timer to the next, everything else that is due
 * first. Good for parts that wait for nothing but this, as those in memory do; the same seed gives the same run.
 */
export class VirtualRuntime implements Runtime {
  #nowMs: number;
  #seed: number;
  #alarms: Alarm[] = [];
  #turns = 0;

  constructor(nowMs: number, seed = 1) {
    this.#nowMs = nowMs;
    this.#seed = seed;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): Timer {
    const alarm = { atMs: this.#nowMs + Math.max(0, ms), run };
    this.#alarms.push(alarm);
    return {
      stop: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        timer.stop();
        reject(new DOMException('Slept no longer.', 'AbortError'));
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
    });
  }

  timeout(ms: number): AbortSignal {
    const late = new AbortController();
    this.after(ms, () => late.abort(new DOMException('Too late.', 'TimeoutError')));
    return late.signal;
  }

  async nextTurn(): Promise<void> {
    this.#turns++;
    await realTurn();
    this.#turns--;
  }

  /** mulberry32. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), this.#seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (await this.#settle(); ; await this.#settle()) {
      const next = this.#next();
      if (next === undefined || next.atMs > untilMs) break;
      this.#ring(next);
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass until a promise is settled, and answers as it does. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let open = true;
    const close = (): void => {
      open = false;
    };
    promise.then(close, close);
    for (await this.#settle(); open; await this.#settle()) {
      const next = this.#next();
      if (next === undefined) throw new Error('Nothing is left to happen, and it has not happened.');
      this.#ring(next);
    }
    return promise;
  }

  /** Everything that needs no time has its turn. */
  async #settle(): Promise<void> {
    do await realTurn();
    while (this.#turns > 0);
  }

  #next(): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) if (next === undefined || alarm.atMs < next.atMs) next = alarm;
    return next;
  }

  #ring(alarm: Alarm): void {
    this.#alarms = this.#alarms.filter((other) => other !== alarm);
    this.#nowMs = alarm.atMs;
    alarm.run();
  }
}
