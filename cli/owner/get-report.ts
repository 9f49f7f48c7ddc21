import type { BlockRange, DisownedBlocks } from '../../client/disowned-blocks.ts';
import { sharedRange } from '../../client/disowned-blocks.ts';
import { FOREVER, type TimedBlocks } from '../../client/owner/find-times.ts';
import type { GetPlan, GetRange, GotBlock } from '../../client/owner/get-range.ts';
import type { Restored } from '../../client/owner/restore-files.ts';
import { updateOf } from '../../client/read-anchor.ts';
import type { Verdict, VerdictAnchor, VerdictKind } from '../../core/verdict.ts';
import { type Output, printable } from '../output.ts';

/** Neighbouring blocks that could not be brought back for the same reason. */
export interface MissingBlocks extends BlockRange {
  readonly verdict: VerdictKind;
  readonly reason: string;
  readonly blame: Verdict['blame'];
  /** The account that signed for them, and the chain block in which they were recorded; null where the chain says nothing. */
  readonly signer: string | null;
  readonly blockNumber: number | null;
}

/** What came of `plumb owner get`. */
export interface GetReport {
  readonly dataset: string;
  readonly out: string;
  readonly anchor: VerdictAnchor | null;
  readonly intact: number;
  readonly missing: readonly MissingBlocks[];
  /** Blocks that an earlier device recorded behind its charter, as far as they could not be had: they spoil nothing. */
  readonly disowned: readonly DisownedBlocks[];
  /** By time: which blocks those are, and what shows that there are no others. */
  readonly times: readonly TimedBlocks[] | null;
  /** Whether it is shown that no block of the range is left out. */
  readonly whole: boolean;
  readonly restored: Restored;
  readonly ok: boolean;
}

export function makeReport(got: {
  readonly wanted: GetRange;
  readonly plan: GetPlan | null;
  readonly out: string;
  readonly intact: number;
  readonly notIntact: readonly GotBlock[];
  readonly restored: Restored;
}): GetReport {
  const { wanted, plan, out, intact, notIntact, restored } = got;
  const disowned: DisownedBlocks[] = [];
  const missing: MissingBlocks[] = [];
  for (const { verdict, upTo } of notIntact) {
    const range = { from: verdict.index, to: upTo };
    const owned = verdict.verdict === 'unavailable' ? withoutDisowned(range, plan, disowned) : [range];
    for (const one of owned) addMissing(missing, one, verdict, plan);
  }
  const beyond = beyondTheLog(wanted, plan);
  if (beyond !== null) missing.push(beyond);
  const times = plan?.times ?? null;
  const whole = times === null || times.every(({ before, after }) => before.proven && after.proven);
  const ok = missing.length === 0 && restored.incomplete.length === 0 && intact > 0 && whole;
  const anchor = plan?.log.anchor ?? null;
  return { dataset: wanted.dataset, out, anchor, intact, missing, disowned, times, whole, restored, ok };
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

function addMissing(missing: MissingBlocks[], range: BlockRange, verdict: Verdict, plan: GetPlan | null): void {
  const { reason, blame, signer } = verdict;
  const blockNumber = plan === null ? null : (updateOf(plan.log, range.from)?.blockNumber ?? null);
  const one = { ...range, verdict: verdict.verdict, reason: reason ?? '', blame, signer, blockNumber };
  const last = missing.at(-1);
  const isLike =
    last !== undefined &&
    last.to === range.from - 1 &&
    last.verdict === one.verdict &&
    last.reason === one.reason &&
    last.blockNumber === blockNumber;
  if (isLike) missing.splice(-1, 1, { ...last, to: range.to });
  else missing.push(one);
}

/** What was asked for by number and the chain does not have: once for all of it, as a range may end anywhere. */
function beyondTheLog({ by, from, to }: GetRange, plan: GetPlan | null): MissingBlocks | null {
  const size = plan?.log.head.size;
  if (size === undefined || by === 'time' || to < size || to === FOREVER) return null;
  const reason = `The chain's log ends at block ${size - 1}.`;
  const begin = Math.max(from, size);
  return { from: begin, to, verdict: 'unrecorded', reason, blame: null, signer: null, blockNumber: null };
}

const MOST_SHOWN = 50;

export function reportText(output: Output, report: GetReport): string {
  const { anchor, restored, missing, times } = report;
  const files = restored.files.slice(0, 20).map(printable).join(', ');
  const more = missing.length - MOST_SHOWN;
  return [
    `Dataset ${report.dataset}`,
    ...(anchor === null
      ? []
      : [
          `  chain block   ${anchor.point.blockNumber} (${anchor.anchor}); it has ${anchor.size.toLocaleString('en')} blocks`,
        ]),
    `  verified      ${report.intact} blocks, every byte hashed here`,
    `  files         ${restored.files.length}${files === '' ? '' : `: ${files}`}`,
    ...(restored.lines === null ? [] : [`  lines         ${restored.lines.blocks} blocks in ${restored.lines.path}`]),
    ...restored.incomplete.map(
      (file) => `  incomplete    ${printable(file.name)}: ${file.got} of ${file.parts} parts; not written`,
    ),
    ...(times ?? []).map((one) => `  whole         ${wholeText(one)}`),
    ...missing.slice(0, MOST_SHOWN).map((one) => `  ${missingText(output, one)}`),
    ...(more > 0 ? [`  and ${more} more stretches; --json lists them all`] : []),
    ...report.disowned.map((one) => `  ${disownedText(one)}`),
    endText(output, report),
  ].join('\n');
}

/** Of blocks that an earlier device wrote behind the charter of its successor. */
export function disownedText({ from, to, signer, blockNumber, serial }: DisownedBlocks): string {
  return `${blocksText({ from, to })}: disowned by charter ${serial}; signed by ${signer}, recorded in chain block ${blockNumber}`;
}

function missingText(output: Output, { verdict, reason, blame, signer, blockNumber, ...range }: MissingBlocks): string {
  const blamed = blame === null ? '' : ` Proven fault of the ${blame}.`;
  const signed = signer === null ? '' : ` Signed by ${signer}, recorded in chain block ${blockNumber ?? '?'}.`;
  return `${blocksText(range)}: ${output.style('red', verdict)}: ${reason}${blamed}${signed} Not written.`;
}

function blocksText({ from, to }: BlockRange): string {
  return from === to ? `block ${from}` : `blocks ${from} to ${to}`;
}

function wholeText({ from, to, before, after }: TimedBlocks): string {
  const what = from > to ? 'no block' : blocksText({ from, to });
  if (!before.proven || !after.proven) {
    return `${what}; not proven: blocks beside them cannot be shown, and may belong to this time`;
  }
  const ends = [before, after].flatMap(({ block, at }) =>
    block === null || at === null ? [] : [`block ${block} was captured ${new Date(at).toISOString()}`],
  );
  return `${what}; ${ends.length === 0 ? 'all that its device has written' : `no others, as ${ends.join(' and ')}`}`;
}

function endText(output: Output, report: GetReport): string {
  if (report.ok) return output.style('green', `Everything in the range is intact and in ${report.out}.`);
  if (report.intact > 0 || report.missing.length > 0 || !report.whole) {
    return output.style('red', 'Not everything could be brought back.');
  }
  return output.style(
    'red',
    report.times === null ? 'The chain has no such blocks.' : 'No block was captured in this time.',
  );
}
