import { isSameReason } from '../../client/damaged-ranges.ts';
import type { BlockRange, DisownedBlocks } from '../../client/disowned-blocks.ts';
import { sharedRange } from '../../client/disowned-blocks.ts';
import { type GrowthReport, NO_GROWTH_REPORT } from '../../client/growth/growth-report.ts';
import type { RoundStanding } from '../../client/growth/round-standing.ts';
import { FOREVER, type TimedBlocks } from '../../client/owner/find-times.ts';
import type { GetPlan, GetRange } from '../../client/owner/get-range.ts';
import { type Damaged, type Whereabouts, whereaboutsOf } from '../../client/owner/whereabouts.ts';
import { updateOf } from '../../client/read-anchor.ts';
import type { Restored } from '../../client/restore/restore-files.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { Verdict, VerdictAnchor, VerdictKind } from '../../core/verdict.ts';

/** Neighbouring blocks that could not be brought back for the same reason, with the files and the hours they are of. */
export interface MissingBlocks extends BlockRange, Whereabouts {
  readonly verdict: VerdictKind;
  readonly reason: string;
  readonly blame: Verdict['blame'];
  /** The account that signed for them, and the chain block in which they were recorded; null where the chain says nothing. */
  readonly signer: string | null;
  readonly blockNumber: number | null;
}

/** A block that is not intact, or several alike, with the verified blocks nearest to it. */
export interface DamagedBlock extends Damaged {
  readonly verdict: Verdict;
  readonly upTo: BlockIndex;
}

/** What came of `plumb owner get`. */
export interface GetReport {
  readonly dataset: string;
  readonly out: string;
  /** Whether there is a bucket that could be read instead of the service. */
  readonly hasBucket: boolean;
  readonly anchor: VerdictAnchor | null;
  /** Blocks that are recorded on DISSC; those behind are anchored in `round`, and `said` is why in none. */
  readonly recordedSize: number;
  readonly round: RoundStanding | null;
  readonly said: string | null;
  /** How the log has grown since it was seen last; with a fault, nothing is `ok`. */
  readonly growth: GrowthReport;
  readonly intact: number;
  readonly missing: readonly MissingBlocks[];
  /** Blocks that an earlier device recorded behind its charter, as far as they could not be had: they spoil nothing. */
  readonly disowned: readonly DisownedBlocks[];
  /** By time: which blocks those are, and what shows that there are no others. */
  readonly times: readonly TimedBlocks[] | null;
  /** Whether it is shown that no block of the range is left out. */
  readonly whole: boolean;
  readonly restored: Restored;
  /** Whether all of the range is intact and there. */
  readonly isWhole: boolean;
  readonly ok: boolean;
}

export function makeReport(got: {
  readonly wanted: GetRange;
  readonly plan: GetPlan | null;
  readonly out: string;
  readonly hasBucket: boolean;
  readonly intact: number;
  readonly notIntact: readonly DamagedBlock[];
  readonly restored: Restored;
}): GetReport {
  const { wanted, plan, out, hasBucket, intact, notIntact, restored } = got;
  const disowned: DisownedBlocks[] = [];
  const stretches: Stretch[] = [];
  for (const damaged of notIntact) {
    const { verdict, upTo } = damaged;
    const range = { from: verdict.index, to: upTo };
    const owned = verdict.verdict === 'unavailable' ? withoutDisowned(range, plan, disowned) : [range];
    for (const one of owned) addDamaged(stretches, one, damaged, plan);
  }
  const missing = stretches.map(
    ({ damaged, ...stretch }): MissingBlocks => ({ ...stretch, ...whereaboutsOf(damaged) }),
  );
  const beyond = beyondTheLog(wanted, plan);
  if (beyond !== null) missing.push(beyond);
  const times = plan?.times ?? null;
  const whole = times === null || times.every(({ before, after }) => before.proven && after.proven);
  const growth = plan?.log.growth ?? NO_GROWTH_REPORT;
  const isWhole = missing.length === 0 && restored.incomplete.length === 0 && intact > 0 && whole;
  return {
    ...{ dataset: wanted.dataset, out, hasBucket, anchor: plan?.log.anchor ?? null },
    ...{ recordedSize: plan?.log.recordedSize ?? 0, round: plan?.log.standing ?? null, said: plan?.log.said ?? null },
    ...{ growth, intact, missing, disowned, times, whole, restored, isWhole },
    ok: isWhole && growth.faults.length === 0,
  };
}

/** What of a range is not disowned; what is, is noted. */
function withoutDisowned(range: BlockRange, plan: GetPlan | null, noted: DisownedBlocks[]): BlockRange[] {
  for (const stretch of plan?.log.disowned ?? []) {
    const shared = sharedRange(stretch, range);
    if (shared === null) continue;
    const last = noted.at(-1);
    if (last?.to === shared.from - 1 && last.txHash === stretch.txHash) noted.splice(-1, 1, { ...last, to: shared.to });
    else noted.push({ ...stretch, ...shared });
    const left = [
      { from: range.from, to: shared.from - 1 },
      { from: shared.to + 1, to: range.to },
    ].filter(({ from, to }) => from <= to);
    return left.flatMap((one) => withoutDisowned(one, plan, noted));
  }
  return [range];
}

type Stretch = Omit<MissingBlocks, keyof Whereabouts | 'to'> & { to: BlockIndex; readonly damaged: DamagedBlock[] };

function addDamaged(stretches: Stretch[], range: BlockRange, damaged: DamagedBlock, plan: GetPlan | null): void {
  const { reason, blame, signer, verdict } = damaged.verdict;
  const blockNumber = plan === null ? null : (updateOf(plan.log, range.from)?.blockNumber ?? null);
  const one = { ...range, verdict, reason: reason ?? '', blame, signer, blockNumber, damaged: [damaged] };
  const last = stretches.at(-1);
  const isLike =
    last !== undefined &&
    last.to === range.from - 1 &&
    last.verdict === verdict &&
    isSameReason(last.reason, one.reason) &&
    last.blockNumber === blockNumber;
  if (!isLike) stretches.push(one);
  else {
    last.to = range.to;
    last.damaged.push(damaged);
  }
}

/** What was asked for by number and the chain does not have: once for all of it, as a range may end anywhere. */
function beyondTheLog({ by, from, to }: GetRange, plan: GetPlan | null): MissingBlocks | null {
  const size = plan?.log.head.size;
  if (size === undefined || by === 'time' || to < size || to === FOREVER) return null;
  const reason = `The chain's log ends at block ${size - 1}.`;
  const begin = Math.max(from, size);
  const nobody = { blame: null, signer: null, blockNumber: null, ...whereaboutsOf([]) };
  return { from: begin, to, verdict: 'unrecorded', reason, ...nobody };
}
