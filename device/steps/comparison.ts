import type { Runtime } from '../../core/ports/runtime.ts';

/** How the outbox's log compares with the chain's and the service's, and since when that is known. */
export interface LogComparison {
  /** Resolves when the first one has ended, however it did. */
  readonly first: Promise<void>;
  /** Whether one is being made. */
  isUnderWay(): boolean;
  /** Whether the last one was made so recently, and found nothing that forbids sealing. */
  isYoungerThan(ageMs: number): boolean;
  /** Whether any found nothing that forbids sealing, and holds still. */
  isKnown(): boolean;
  /** Something is known that the last one cannot have seen. */
  expire(): void;
  /** Makes one. @param compare answers why nothing may be sealed, or null. */
  make(compare: () => Promise<string | null>): Promise<string | null>;
}

export function createLogComparison(runtime: Pick<Runtime, 'monotonicMs'>): LogComparison {
  const first = Promise.withResolvers<void>();
  let madeMs = Number.NEGATIVE_INFINITY;
  let underWay = false;
  return {
    first: first.promise,
    isUnderWay: () => underWay,
    isYoungerThan: (ageMs) => madeMs + ageMs >= runtime.monotonicMs(),
    isKnown: () => madeMs !== Number.NEGATIVE_INFINITY,
    expire() {
      madeMs = Number.NEGATIVE_INFINITY;
    },
    async make(compare) {
      underWay = true;
      try {
        const held = await compare();
        madeMs = held === null ? runtime.monotonicMs() : Number.NEGATIVE_INFINITY;
        return held;
      } finally {
        underWay = false;
        first.resolve();
      }
    },
  };
}
