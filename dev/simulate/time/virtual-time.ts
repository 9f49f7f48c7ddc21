import { setImmediate as realTurn } from 'node:timers/promises';
import type { Runtime, Timer } from '../../../core/ports/runtime.ts';

interface Alarm {
  readonly atMs: number;
  /** Of two that are due at once, the one set first rings first. */
  readonly order: number;
  readonly run: () => void;
  stopped: boolean;
}

/** What one party sees of the common time. */
export interface ClockView {
  /** How far its clock is from the right time, now. */
  readonly offsetMs?: () => number;
  /** A party that has lost its power hears no timer any more. */
  readonly isAlive?: () => boolean;
  readonly random: () => number;
}

/**
 * One virtual time for everybody. It stands still while anything can run, and goes on from timer to timer then, so that a
 * run depends on nothing but what is in it. Whatever waits for something else than this time must `hold` it meanwhile.
 */
export class VirtualTime {
  #nowMs: number;
  #orders = 0;
  #held = 0;
  readonly #alarms: Alarm[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): Timer {
    const alarm: Alarm = { atMs: this.#nowMs + Math.max(0, ms), order: this.#orders++, run, stopped: false };
    push(this.#alarms, alarm);
    return {
      stop: () => {
        alarm.stopped = true;
      },
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Keeps time from passing until what is answered is called. */
  hold(): () => void {
    this.#held++;
    let isHeld = true;
    return () => {
      if (isHeld) this.#held--;
      isHeld = false;
    };
  }

  /** Lets time pass until then, or until `isDone`; false when nothing is left to happen before. */
  async passUntil(atMs: number, isDone: () => boolean = () => false): Promise<void> {
    for (await this.#settle(); !isDone(); await this.#settle()) {
      const next = this.#alarms[0];
      if (next === undefined || next.atMs > atMs) {
        this.#nowMs = Math.max(this.#nowMs, atMs);
        return;
      }
      pop(this.#alarms);
      if (next.stopped) continue;
      this.#nowMs = next.atMs;
      next.run();
    }
  }

  /** The runtime of one party. */
  runtimeOf({ offsetMs = () => 0, isAlive = () => true, random }: ClockView): Runtime {
    const after = (ms: number, run: () => void): Timer => this.after(ms, () => isAlive() && run());
    return {
      nowMs: () => this.#nowMs + offsetMs(),
      monotonicMs: () => this.#nowMs,
      after,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const giveUp = (): void => {
            timer.stop();
            reject(new DOMException('Slept no longer.', 'AbortError'));
          };
          const timer = after(ms, () => {
            signal?.removeEventListener('abort', giveUp);
            resolve();
          });
          signal?.addEventListener('abort', giveUp, { once: true });
          if (signal?.aborted === true) giveUp();
        }),
      timeout: (ms) => {
        const late = new AbortController();
        after(ms, () => late.abort(new DOMException('Too late.', 'TimeoutError')));
        return late.signal;
      },
      nextTurn: async () => {
        const release = this.hold();
        await realTurn();
        release();
      },
      random,
    };
  }

  /** Everything that needs no time has its turn. */
  async #settle(): Promise<void> {
    // While the same alarm is due, nothing but what it has started can run.
    do await realTurn();
    while (this.#held > 0);
  }
}

const isBefore = (a: Alarm, b: Alarm): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Alarm[], alarm: Alarm): void {
  let at = heap.push(alarm) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isBefore(alarm, heap[above] as Alarm)) break;
    heap[at] = heap[above] as Alarm;
    at = above;
  }
  heap[at] = alarm;
}

function pop(heap: Alarm[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    const other = heap[below + 1];
    if (other !== undefined && isBefore(other, heap[below] as Alarm)) below++;
    if (!isBefore(heap[below] as Alarm, last)) break;
    heap[at] = heap[below] as Alarm;
    at = below;
  }
  heap[at] = last;
}
