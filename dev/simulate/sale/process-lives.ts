import type { SaleState } from '../../../client/sale/sale-state.ts';
import { PlumblineError } from '../../../core/errors.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import type { Fault, FaultKind } from '../faults/fault.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import { guardPort } from '../time/guard-port.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';

/** One life of a process: what it reaches the world through may be the last thing that it does. */
export interface Life {
  readonly runtime: Runtime;
  readonly random: SeededRandom;
  isAlive(): boolean;
  /** A port whose every call, and its answer, is a step before or behind which the process may be killed. */
  guard<Port extends object>(port: Port): Port;
  guardState(state: SaleState): SaleState;
  /** Runs when the life ends, however it does. */
  onEnd(run: () => void): void;
}

export interface ProcessWorld {
  readonly time: VirtualTime;
  readonly startMs: number;
  readonly faults: FaultWatch;
  readonly random: SeededRandom;
  /** What kills it, at a step from its time on. */
  readonly killedBy: Extract<FaultKind, 'agent-killed' | 'consumer-killed'> | null;
  /** What it must never do. */
  readonly fail: (what: string) => void;
  /** One life; what it leaves on its disk, the next one finds. Resolved: it has done all that there is to do. */
  readonly live: (life: Life) => Promise<void>;
}

export interface SimulatedProcess {
  /** Since when the present life runs; null while there is none. */
  aliveSinceMs(): number | null;
  isDone(): boolean;
  /** Kills it, and nothing starts it again. */
  killForGood(): void;
}

const RESTART_MS = 5_000;

/** The process was killed: nothing of it goes on. */
class Killed extends Error {
  override readonly name = 'Killed';
}

/** Runs a process through all its lives. */
export function runProcess(world: ProcessWorld): SimulatedProcess {
  const { time, startMs, faults, killedBy, fail } = world;
  const kills = faults.all.filter(({ kind }) => kind === killedBy).map((fault) => new Kill(fault));
  let number = 0;
  let aliveSinceMs: number | null = null;
  let isDone = false;
  let killNow = (): void => undefined;
  let isForGood = false;

  const begin = (): void => {
    if (isForGood) return;
    let isAlive = true;
    const enders: (() => void)[] = [];
    aliveSinceMs = time.nowMs();
    const end = (): void => {
      if (!isAlive) return;
      isAlive = false;
      aliveSinceMs = null;
      // Not within the call that noticed it: SQLite may still be at work.
      queueMicrotask(() => {
        for (const run of enders) run();
        if (!isDone) time.after(RESTART_MS, begin);
      });
    };
    killNow = end;
    /** False once it is dead. */
    const passes = (side: 'before' | 'after'): boolean => {
      if (!isAlive) return false;
      const sinceMs = time.nowMs() - startMs;
      // Each counts its own steps.
      const strikes = kills.filter((kill) => kill.strikes(sinceMs, side));
      if (strikes.length === 0) return true;
      if (killedBy !== null) faults.count(killedBy);
      end();
      return false;
    };
    const life: Life = {
      runtime: time.runtimeOf({ isAlive: () => isAlive, random: world.random.fork(`life ${number}`).next }),
      random: world.random.fork(`chance of life ${number}`),
      isAlive: () => isAlive,
      onEnd: (run) => void enders.push(run),
      guard: (port) => guardPort(port, passes),
      guardState: (state) => ({
        folder: state.folder,
        close: () => state.close(),
        sql(text) {
          if (!isAlive) throw new Killed('No process.');
          return state.sql(text);
        },
        commit(work) {
          if (!passes('before')) throw new Killed('No process.');
          const done = state.commit(work);
          if (!passes('after')) throw new Killed('No process.');
          return done;
        },
      }),
    };
    number++;
    world.live(life).then(
      () => {
        isDone = isAlive;
        end();
      },
      (cause) => {
        if (!isAlive) return;
        if (!(cause instanceof PlumblineError)) fail(`a process ended by itself: ${(cause as Error).stack ?? cause}`);
        end();
      },
    );
  };
  begin();
  return {
    aliveSinceMs: () => aliveSinceMs,
    isDone: () => isDone,
    killForGood() {
      isForGood = true;
      killNow();
    },
  };
}

/** One fault that kills: at the step of its size, counted from its time on. */
class Kill {
  readonly fault: Fault;
  #steps = 0;
  #isDone = false;

  constructor(fault: Fault) {
    this.fault = fault;
  }

  strikes(sinceMs: number, side: 'before' | 'after'): boolean {
    const { fromMs, size, where } = this.fault;
    if (this.#isDone || sinceMs < fromMs || where !== side) return false;
    this.#isDone = this.#steps++ >= size;
    return this.#isDone;
  }
}
