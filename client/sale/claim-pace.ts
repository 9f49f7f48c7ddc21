import type { AgreementId } from '../../core/ids.ts';

/** Until when claims were safe at the last one, and how long that was then. */
interface LastClaim {
  readonly untilSeconds: number;
  readonly leftSeconds: number;
}

/**
 * How often one server claims vouchers that rise by little: at every halving of the time that is left, as a consumer could
 * else make the agent pay for thousands of claims. It is forgotten with the process, which costs a claim at most.
 *
 * @example
 * const pace = new ClaimPace();
 * const id = `0x${'11'.repeat(32)}` as const;
 * pace.claimed(id, { untilSeconds: 1_000, leftSeconds: 100 });
 * console.log(pace.waits(id, { untilSeconds: 1_000, leftSeconds: 60 })); // true
 * console.log(pace.waits(id, { untilSeconds: 1_000, leftSeconds: 50 })); // false
 */
export class ClaimPace {
  readonly #last = new Map<AgreementId, LastClaim>();

  /** Whether a small rise waits, with that much time left until claims are no longer safe. */
  waits(id: AgreementId, { untilSeconds, leftSeconds }: LastClaim): boolean {
    const last = this.#last.get(id);
    return last?.untilSeconds === untilSeconds && 2 * leftSeconds > last.leftSeconds;
  }

  claimed(id: AgreementId, time: LastClaim): void {
    this.#last.set(id, time);
  }
}
