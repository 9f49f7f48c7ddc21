import { isSameReason } from '../../client/damaged-ranges.ts';
import type { DisownedBlocks } from '../../client/disowned-blocks.ts';
import type { TimedBlocks } from '../../client/owner/find-times.ts';
import { joinWhereabouts } from '../../client/owner/whereabouts.ts';
import { counted } from '../../core/counted.ts';
import { growthLines, standingLines } from '../growth-text.ts';
import { listSome } from '../list-some.ts';
import type { Output } from '../output.ts';
import { restoredText } from '../restored-text.ts';
import { blocksText, sentence, timeText, whereText } from '../where-text.ts';
import type { GetReport, MissingBlocks } from './get-report.ts';

const MOST_SHOWN = 50;

export function reportText(output: Output, report: GetReport, evidence: readonly string[]): string {
  const { anchor, restored, missing, times } = report;
  const kept = restored.kept === 0 ? '' : `; ${restored.kept.toLocaleString('en')} of them were already there`;
  const all = restored.index === null ? '--json' : restored.index;
  return [
    `Dataset ${report.dataset}`,
    ...(anchor === null
      ? []
      : [`  chain block   ${anchor.point.blockNumber} (${anchor.anchor}); it has ${counted(anchor.size, 'block')}`]),
    ...standingLines(report),
    ...growthLines(output, report.growth, evidence),
    `  verified      ${report.intact.toLocaleString('en')} ${report.intact === 1 ? 'block' : 'blocks'}, every byte hashed here${kept}`,
    ...restoredText(restored),
    ...(times ?? []).map((one) => `  whole         ${wholeText(one)}`),
    ...listSome(
      mergeMissing(missing).map((one) => missingText(output, one)),
      MOST_SHOWN,
      all,
    ).map((one) => `  ${one}`),
    ...listSome(report.disowned.map(disownedText), MOST_SHOWN, '--json').map((one) => `  ${one}`),
    endText(output, report),
  ].join('\n');
}

/** Of blocks that an earlier device wrote behind the charter of its successor. */
export function disownedText({ from, to, signer, blockNumber, serial }: DisownedBlocks): string {
  return `${blocksText({ from, to })}: charter ${serial} disowned ${from === to ? 'it' : 'them'}; ${signer} signed ${from === to ? 'it, and it was' : 'them, and they were'} recorded in chain block ${blockNumber}`;
}

/** For people, one stretch whatever the number of updates that recorded it. */
interface MergedBlocks extends MissingBlocks {
  readonly lastBlockNumber: number | null;
}

function mergeMissing(missing: readonly MissingBlocks[]): MergedBlocks[] {
  const merged: MergedBlocks[] = [];
  for (const one of missing) {
    const last = merged.at(-1);
    const isLike =
      last !== undefined &&
      last.to === one.from - 1 &&
      last.verdict === one.verdict &&
      last.blame === one.blame &&
      last.signer === one.signer &&
      isSameReason(last.reason, one.reason);
    const next = { ...one, lastBlockNumber: one.blockNumber };
    if (isLike)
      merged.splice(-1, 1, { ...last, ...joinWhereabouts(last, one), to: one.to, lastBlockNumber: one.blockNumber });
    else merged.push(next);
  }
  return merged;
}

function missingText(output: Output, missing: MergedBlocks): string {
  const { verdict, reason, blame, signer, blockNumber, lastBlockNumber } = missing;
  const blamed = blame === null ? '' : ` Proven fault of the ${blame}.`;
  const chain =
    blockNumber === lastBlockNumber
      ? `chain block ${blockNumber ?? '?'}`
      : `chain blocks ${blockNumber} to ${lastBlockNumber}`;
  const signed = signer === null ? '' : ` Signed by ${signer}, recorded in ${chain}.`;
  return `${blocksText(missing)}: ${output.style('red', verdict)}: ${sentence(reason)}${whereText(missing)}${blamed}${signed} Not written.`;
}

function wholeText({ from, to, before, after }: TimedBlocks): string {
  const what = from > to ? 'no block' : blocksText({ from, to });
  if (!before.proven || !after.proven) {
    return `${what}; not proven, because the storage cannot show the neighbouring blocks, which may belong to this period`;
  }
  const ends = [before, after].flatMap(({ block, at }) =>
    block === null || at === null ? [] : [`block ${block} was captured ${timeText(at)}`],
  );
  return `${what}; ${ends.length === 0 ? 'these are all the blocks that its device has written' : `there are no others, because ${ends.join(' and ')}`}`;
}

function endText(output: Output, report: GetReport): string {
  if (report.isWhole) return output.style('green', `Every block in the range is intact and restored to ${report.out}.`);
  if (report.intact > 0 || report.missing.length > 0 || !report.whole) {
    const end =
      'Some blocks could not be restored. Once the storage has them again, the same command fetches the rest.';
    const isSilent = report.intact === 0 && report.missing.every(({ verdict }) => verdict === 'unavailable');
    const bucket = isSilent && report.hasBucket ? ' To read the bucket without the service, add --from s3.' : '';
    return output.style('red', `${end}${bucket}`);
  }
  return output.style(
    'red',
    report.times === null ? 'The chain has recorded no such blocks.' : 'No block was captured in this period.',
  );
}
