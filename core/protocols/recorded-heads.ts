import type { BlockIndex } from '../ids.ts';
import type { Head } from '../log/head.ts';
import type { RecordedEvent } from '../ports/ledger.ts';

/**
 * States of one log that DISSC has recorded, newest first; the first is the anchor of every verdict. Everything that DISSC has
 * ever recorded of a dataset stays true, so a block that nobody can prove under the newest is proven under an older one.
 */
export type RecordedHeads = readonly [newest: Head, ...older: Head[]];

/** The heads that the chain's events name below a head, behind it. */
export function recordedHeads(newest: Head, events: readonly Pick<RecordedEvent, 'size' | 'root'>[]): RecordedHeads {
  const older = events
    .filter(({ size }) => size < newest.size)
    .sort((a, b) => b.size - a.size)
    .map(({ size, root }): Head => ({ dataset: newest.dataset, size, root }));
  return [newest, ...older];
}

/** Of the heads that cover the blocks left over, at most so many are tried. */
const MAX_OWN_HEADS = 8;

/**
 * Older heads to try, in steps that double: behind one that nobody can prove there may be many more. At most 1 + log2 of their
 * number.
 */
export function olderSteps([, ...older]: RecordedHeads): Head[] {
  const steps: Head[] = [];
  for (let at = 1; at <= older.length; at *= 2) steps.push(older[at - 1] as Head);
  return steps;
}

/**
 * For blocks that none of the steps has proven: the first recorded head that has each, which needs least of what came later.
 * At most eight of them, the newest first.
 */
export function firstHeadsOf(heads: RecordedHeads, blocks: readonly BlockIndex[]): Head[] {
  const own = new Set(blocks.map((index) => heads.findLast(({ size }) => size > index)));
  own.delete(undefined);
  return heads.filter((head) => own.has(head)).slice(0, MAX_OWN_HEADS);
}
