import { type CharterHistory, chartersBySerial } from '../core/charter/charters-in-force.ts';
import { disowningCharter } from '../core/charter/disowned.ts';
import type { Address, BlockIndex } from '../core/ids.ts';
import type { RecordedEvent } from '../core/ports/ledger.ts';

/** Neighbouring blocks, both ends inclusive. */
export interface BlockRange {
  readonly from: BlockIndex;
  readonly to: BlockIndex;
}

/**
 * Blocks that an earlier device recorded at or above a later charter's `from` (specification#charters-in-force): named,
 * never removed.
 */
export interface DisownedBlocks extends BlockRange {
  readonly signer: Address;
  /** Chain block in which they were recorded. */
  readonly blockNumber: number;
  readonly txHash: string;
  /** Of the charter that disowns them. */
  readonly serial: number;
}

/** Which of the recorded blocks are disowned by these charters, in log order. `recorded` are the updates, oldest first. */
export function disownedBlocks(charters: CharterHistory, recorded: readonly RecordedEvent[]): DisownedBlocks[] {
  const boundaries = chartersBySerial(charters).map(({ from }) => from);
  const found: DisownedBlocks[] = [];
  let first = 0;
  for (const { size, signer, blockNumber, txHash } of recorded) {
    // Within one update, what a block's charter is changes at the `from` of a charter alone.
    const starts = [first, ...boundaries.filter((from) => from > first && from < size)].sort((a, b) => a - b);
    for (const [i, from] of starts.entries()) {
      const charter = disowningCharter(charters, from, signer);
      const to = (starts[i + 1] ?? size) - 1;
      if (charter !== null) found.push({ from, to, signer, blockNumber, txHash, serial: charter.serial });
    }
    first = size;
  }
  return found;
}

/** What is left of a range without some others, in order. */
export function rangesWithout(range: BlockRange, removed: readonly BlockRange[]): BlockRange[] {
  const left: BlockRange[] = [];
  let { from } = range;
  for (const cut of removed.toSorted((a, b) => a.from - b.from)) {
    if (cut.to < from || cut.from > range.to) continue;
    if (cut.from > from) left.push({ from, to: cut.from - 1 });
    from = cut.to + 1;
  }
  if (from <= range.to) left.push({ from, to: range.to });
  return left;
}

/**
 * What two ranges share; null when nothing.
 *
 * @example
 * console.log(sharedRange({ from: 0, to: 9 }, { from: 5, to: 20 })); // { from: 5, to: 9 }
 */
export function sharedRange(one: BlockRange, other: BlockRange): BlockRange | null {
  const from = Math.max(one.from, other.from);
  const to = Math.min(one.to, other.to);
  return from > to ? null : { from, to };
}
