import type { ListedBlock } from './answer-blocks.ts';

/** Reading so much that nobody asked for is cheaper, in time and money, than another request to the object store. */
const MAX_GAP_BYTES = 64 * 1024;

/** Cuts ascending blocks of one segment into spans that are read at once: neighbours, and those with little between. */
export function cutSpans(blocks: readonly ListedBlock[]): ListedBlock[][] {
  const spans: ListedBlock[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const block of blocks) {
    if (block.offset - end <= MAX_GAP_BYTES) spans[spans.length - 1]?.push(block);
    else spans.push([block]);
    end = endOf(block);
  }
  return spans;
}

export function endOf(block: ListedBlock): number {
  return block.offset + block.listed.size;
}
