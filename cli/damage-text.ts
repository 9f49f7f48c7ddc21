import type { DamagedRange } from '../client/damaged-ranges.ts';
import type { Whereabouts } from '../client/owner/whereabouts.ts';
import { listSome } from './list-some.ts';
import type { Output } from './output.ts';
import { blocksText, sentence, whereText } from './where-text.ts';

/** A range, and which files and hours it is of; null where nothing shows that, or it was not looked for. */
export type LocatedRange = DamagedRange & { readonly where: Whereabouts | null };

export const MOST_RANGES = 50;

/** Damage for people: a line a range, at most 50 and how many more there are. */
export function damageText(output: Output, ranges: readonly LocatedRange[]): string[] {
  const lines = ranges.map(({ from, to, verdict, reason, blame, signer, where }) => {
    const count = to === from ? '' : ` (${(to - from + 1).toLocaleString('en')})`;
    const blamed = blame === null ? '' : ` Proven fault of the ${blame}.`;
    const signed = signer === null ? '' : ` Signed by ${signer}.`;
    const place = where === null ? '' : whereText(where);
    return `${blocksText({ from, to })}${count}: ${output.style('red', verdict)}: ${sentence(reason)}${place}${blamed}${signed}`;
  });
  return listSome(lines, MOST_RANGES, '--json').map((line) => `  ${line}`);
}
