import { createRandom, type SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Fault, FaultKind } from './fault.ts';

/** The faults of a run, asked by whatever they strike. */
export interface FaultWatch {
  /** A fault of this kind that holds now, whatever its share. */
  under(kind: FaultKind, where?: string): Fault | null;
  /** Whether one of this kind strikes now, by its share; counts it. */
  strikes(kind: FaultKind, where?: string): Fault | null;
  /** One that has struck by itself. */
  count(kind: FaultKind): void;
  /** How often each kind has struck. */
  readonly counts: Partial<Record<FaultKind, number>>;
  readonly all: readonly Fault[];
  /** Chance of a fault's own. */
  randomOf(fault: Fault): SeededRandom;
}

export function watchFaults(time: VirtualTime, startMs: number, seed: number, all: readonly Fault[]): FaultWatch {
  const counts: Partial<Record<FaultKind, number>> = {};
  const chances = new Map(all.map((fault) => [fault.id, createRandom(seed).fork(`chance of ${fault.id}`)]));
  const count = (kind: FaultKind): void => {
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  const randomOf = (fault: Fault): SeededRandom => chances.get(fault.id) as SeededRandom;
  const under: FaultWatch['under'] = (kind, where) => {
    const now = time.nowMs() - startMs;
    const holds = (fault: Fault): boolean =>
      fault.kind === kind &&
      now >= fault.fromMs &&
      now < fault.untilMs &&
      (where === undefined || fault.where === where);
    return all.find(holds) ?? null;
  };
  return {
    under,
    strikes(kind, where) {
      const fault = under(kind, where);
      if (fault === null || (fault.size < 1 && !randomOf(fault).chance(fault.size))) return null;
      count(kind);
      return fault;
    },
    count,
    counts,
    all,
    randomOf,
  };
}
