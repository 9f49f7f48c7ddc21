import { ArgumentError, DefectError } from '../core/errors.ts';
import type { Address, DatasetId } from '../core/ids.ts';
import type { Head } from '../core/log/head.ts';
import type { Anchor, RecordedEvent } from '../core/ports/ledger.ts';
import type { Primitives } from '../core/ports/primitives.ts';
import { chooseDistinct } from '../core/sampling/choose-blocks.ts';
import { type Assurance, assure } from '../core/sampling/confidence.ts';
import { EVIDENCE_PROVES, type Evidence, type Verdict, type VerdictAnchor, type VerdictKind } from '../core/verdict.ts';
import { type BlockRange, type DisownedBlocks, rangesWithout, sharedRange } from './disowned-blocks.ts';
import { type GrowthReport, NO_GROWTH_REPORT } from './growth/growth-report.ts';
import type { RoundStanding } from './growth/round-standing.ts';

/** The state of a log that an audit is about. */
export interface AuditedLog {
  readonly head: Head;
  readonly anchor: VerdictAnchor;
  /** Blocks up to which DISSC has it; what lies behind is anchored in a round. */
  readonly recordedSize?: number;
  /** What the anchorer's newest round says; null where none counts. */
  readonly standing?: RoundStanding | null;
  /** Why no round counts, where one ought to. */
  readonly said?: string | null;
  /** How it has grown since it was seen last. */
  readonly growth?: GrowthReport;
  /** Accepted updates, oldest first: who recorded what, in which chain block. Absent where nobody is told. */
  readonly recorded?: readonly RecordedEvent[];
  /** Blocks that spoil nothing when nobody can prove them any more; none where an agreement is about them. */
  readonly disowned: readonly DisownedBlocks[];
}

/** Which blocks of a dataset an audit is about. */
export interface AuditScope {
  readonly anchor: Anchor;
  /** Blocks from … to, both inclusive; the whole log when absent. */
  readonly range?: BlockRange;
  /** How many blocks to choose at random, or which were so chosen; all when absent. */
  readonly sample?: number | readonly number[];
  /** The damaged fraction the confidence is stated for. */
  readonly fraction?: number;
  /** First chain block to search for signers. */
  readonly fromBlock?: number;
}

/** The report of an audit, in words and numbers. */
export interface AuditReport {
  readonly dataset: DatasetId;
  readonly protocol: 'I' | 'II' | 'III' | 'IV';
  readonly evidence: Evidence;
  readonly proves: string;
  readonly anchor: VerdictAnchor;
  /** Blocks that are recorded on DISSC; those behind are anchored in `round`. */
  readonly recordedSize: number;
  readonly round: RoundStanding | null;
  /** Why no round counts, where one ought to. */
  readonly said: string | null;
  /** How the log has grown since it was seen last; with a fault, nothing is `ok`. */
  readonly growth: GrowthReport;
  /** Blocks of the range, and how many of them were checked; disowned ones that nobody can prove are in neither. */
  readonly total: number;
  readonly checked: number;
  readonly counts: Readonly<Record<VerdictKind, number>>;
  /** Every verdict that is not intact. */
  readonly notIntact: readonly Verdict[];
  /** With which update those blocks came onto the chain: who signed for them, and where. */
  readonly recordedBy: readonly RecordedStretch[];
  /** Blocks that an earlier device recorded behind its charter, and of which none can be proven: named, and no more. */
  readonly disowned: readonly DisownedBlocks[];
  readonly assurance: Assurance;
  readonly ok: boolean;
}

/** Blocks that came with one update and are not intact, from the first of them to the last. */
export interface RecordedStretch extends BlockRange {
  readonly count: number;
  readonly signer: Address;
  readonly blockNumber: number;
  readonly txHash: string;
}

export type OnVerdicts = (verdicts: readonly Verdict[], checked: number, wanted: number) => void;

const DEFAULT_FRACTION = 0.01;
/** Every block checked is a verdict held in memory; more are audited range by range. */
const MAX_AUDIT_BLOCKS = 8_000_000;

type Verify = (blocks: readonly number[]) => AsyncIterable<readonly Verdict[]>;

/**
 * Chooses the blocks of an audit, has them verified and says what came of it; `onVerdicts` hears every verdict.
 * @throws ArgumentError when there are no such blocks, or too many for one audit; otherwise as `verify`
 *
 * @example
 * import { readAnchor } from 'plumbline/client/read-anchor';
 * import { verifyOwnerCssY } from 'plumbline/core/protocols/owner-css-y';
 * const log = await readAnchor(ledger, dataset, 'final', fromBlock);
 * const protocol = { primitives, css: service, heads: log.heads, signerOf: log.signerOf, datasetKeyOf };
 * const audit = { scope: { anchor: 'final', sample: 2 }, protocol: 'I', evidence: 'possession' } as const;
 * const report = await auditBlocks(primitives, log, audit, (blocks) => verifyOwnerCssY(protocol, blocks, 'possession'));
 * console.log(report.counts.intact); // 2
 */
export async function auditBlocks(
  primitives: Primitives,
  log: AuditedLog,
  audit: { readonly scope: AuditScope; readonly protocol: AuditReport['protocol']; readonly evidence: Evidence },
  verify: Verify,
  onVerdicts: OnVerdicts = () => {},
): Promise<AuditReport> {
  const { scope, protocol, evidence } = audit;
  const range = scope.range ?? { from: 0, to: log.head.size - 1 };
  if (range.from > range.to) throw new ArgumentError(`There are no blocks from ${range.from} to ${range.to}.`);
  const disowned = await unprovable(log.disowned, range, verify);
  const population = rangesWithout(range, disowned);
  const total = population.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const chosen = typeof scope.sample === 'object' ? scope.sample : null;
  const wanted = chosen?.length ?? Math.min((scope.sample as number | undefined) ?? total, total);
  if (!(wanted >= 1 && wanted <= MAX_AUDIT_BLOCKS)) {
    throw new ArgumentError(
      `An audit checks 1 to ${MAX_AUDIT_BLOCKS} blocks, not ${wanted}. Give a sample or a range of that size.`,
    );
  }
  const blocks = chosen ?? chooseDistinct(primitives, total, wanted).map((number) => blockAt(population, number));

  const counts: Record<VerdictKind, number> = {
    intact: 0,
    corrupted: 0,
    unavailable: 0,
    refused: 0,
    unrecorded: 0,
    misrecorded: 0,
  };
  const notIntact: Verdict[] = [];
  let checked = 0;
  for await (const verdicts of verify(blocks)) {
    for (const verdict of verdicts) {
      counts[verdict.verdict] += 1;
      if (verdict.verdict !== 'intact') notIntact.push(verdict);
    }
    checked += verdicts.length;
    onVerdicts(verdicts, checked, blocks.length);
  }
  const unanswered = counts.unavailable + counts.refused + counts.unrecorded;
  const fraction = scope.fraction ?? DEFAULT_FRACTION;
  const growth = log.growth ?? NO_GROWTH_REPORT;
  return {
    dataset: log.head.dataset,
    protocol,
    evidence,
    proves: EVIDENCE_PROVES[evidence],
    anchor: log.anchor,
    recordedSize: log.recordedSize ?? log.head.size,
    ...{ round: log.standing ?? null, said: log.said ?? null, growth },
    total,
    checked,
    counts,
    notIntact,
    recordedBy: recordedStretches(log.recorded ?? [], notIntact),
    disowned,
    assurance: assure({ evidence, total, checked, intact: counts.intact, unanswered, fraction }),
    ok: counts.intact === blocks.length && growth.faults.length === 0,
  };
}

/**
 * The disowned blocks of a range that are out of the audit: what DISSC holds stays in it as long as it can be proven. Whether a
 * stretch can, its ends show.
 */
async function unprovable(
  disowned: readonly DisownedBlocks[],
  range: BlockRange,
  verify: Verify,
): Promise<DisownedBlocks[]> {
  const found: DisownedBlocks[] = [];
  for (const stretch of disowned) {
    const shared = sharedRange(stretch, range);
    if (shared === null) continue;
    const verdicts: Verdict[] = [];
    for await (const some of verify([...new Set([shared.from, shared.to])])) verdicts.push(...some);
    if (verdicts.every(({ verdict }) => verdict === 'unavailable')) found.push({ ...stretch, ...shared });
  }
  return found;
}

function recordedStretches(recorded: readonly RecordedEvent[], verdicts: readonly Verdict[]): RecordedStretch[] {
  const sorted = verdicts.map(({ index }) => index).sort((a, b) => a - b);
  const found: RecordedStretch[] = [];
  let next = 0;
  for (const { size, signer, blockNumber, txHash } of recorded) {
    const first = next;
    while (next < sorted.length && (sorted[next] as number) < size) next += 1;
    if (next === first) continue;
    const [from, to] = [sorted[first] as number, sorted[next - 1] as number];
    found.push({ from, to, count: next - first, signer, blockNumber, txHash });
  }
  return found;
}

function blockAt(population: readonly BlockRange[], number: number): number {
  let left = number;
  for (const { from, to } of population) {
    if (left <= to - from) return from + left;
    left -= to - from + 1;
  }
  throw new DefectError(`Block ${number} is not in the audit's ranges.`);
}
