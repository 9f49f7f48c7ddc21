import type { BlockMeta } from '../../core/block/meta.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import { MAX_EVIDENCE_BLOCKS } from '../../core/evidence/evidence.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { findTimes } from '../owner/find-times.ts';
import type { AnchoredHead } from '../read-anchor.ts';
import type { BlockOpener } from './open-blocks.ts';

/** Which blocks evidence is wanted of. */
export type WantedBlocks =
  | { readonly by: 'block'; readonly blocks: readonly { readonly from: BlockIndex; readonly to: BlockIndex }[] }
  /** Captured from … to (ms), both inclusive, and claimed whole. */
  | { readonly by: 'time'; readonly from: number; readonly to: number }
  /** The newest version of a file, by its name as it was recorded. */
  | { readonly by: 'file'; readonly name: string };

export interface ChosenBlocks {
  /** Ascending; with a time range also those at its ends. */
  readonly blocks: readonly BlockIndex[];
  readonly range: { readonly from: number; readonly to: number } | null;
  /** Whether a time range goes to the end of the log: then only its newest head shows that nothing follows. */
  readonly toEnd: boolean;
}

/** @throws ArgumentError when there are no such blocks, or too many; StateError when a range cannot be shown whole */
export async function chooseBlocks(
  log: AnchoredHead,
  wanted: WantedBlocks,
  opener: BlockOpener,
  guesses: (from: number, to: number) => Promise<readonly BlockIndex[]>,
  onLooked: (blocks: number) => void,
): Promise<ChosenBlocks> {
  if (wanted.by === 'block') return byNumber(log, wanted.blocks);
  if (wanted.by === 'file') {
    const blocks = await findFile(log, wanted.name, opener, onLooked);
    return { blocks: bounded(blocks), range: null, toEnd: false };
  }
  const { from, to } = wanted;
  const known = new Map<BlockIndex, number | null>();
  const capturedAt = async (index: BlockIndex): Promise<number | null> => {
    const at = known.get(index) ?? (await opener.readMeta(index))?.at ?? null;
    known.set(index, at);
    return at;
  };
  const stretches = await findTimes(log, { from, to }, capturedAt, await guesses(from, to));
  const blocks = new Set<BlockIndex>();
  for (const { from: first, to: last, before, after } of stretches) {
    if (!before.proven || !after.proven) {
      throw new StateError(
        `Evidence cannot show that blocks ${first} to ${last} are all the blocks of this period, because the storage does not show a neighbouring block. Ask for them by --blocks.`,
      );
    }
    if (last - first + 1 > MAX_EVIDENCE_BLOCKS) throw tooMany(last - first + 1);
    for (let index = first; index <= last; index++) blocks.add(index);
    for (const { block } of [before, after]) if (block !== null) blocks.add(block);
  }
  const toEnd = stretches.at(-1)?.after.block === null;
  return { blocks: bounded([...blocks].sort((a, b) => a - b)), range: { from, to }, toEnd };
}

function byNumber(
  { head }: AnchoredHead,
  ranges: readonly { readonly from: number; readonly to: number }[],
): ChosenBlocks {
  const blocks = new Set<BlockIndex>();
  for (const { from, to } of ranges) {
    if (to >= head.size) {
      throw new ArgumentError(
        `There is no block ${to} yet: the chain has blocks 0 to ${head.size - 1} of this dataset.`,
      );
    }
    if (to - from >= MAX_EVIDENCE_BLOCKS) throw tooMany(to - from + 1);
    for (let index = from; index <= to; index++) blocks.add(index);
  }
  return { blocks: bounded([...blocks].sort((a, b) => a - b)), range: null, toEnd: false };
}

/** Batch by batch from the newest on: a name says nothing of where it is. */
async function findFile(
  { head }: AnchoredHead,
  name: string,
  opener: BlockOpener,
  onLooked: (blocks: number) => void,
): Promise<BlockIndex[]> {
  const found: BlockIndex[] = [];
  for (let index = head.size - 1; index >= 0; ) {
    const batch = await opener.readBatchBefore(index);
    if (batch === null) {
      throw new StateError(
        `The storage does not show the name of block ${index}, so the search for the file, which starts at the newest block, stops there.`,
      );
    }
    for (let at = index; at >= batch.first; at--) {
      const meta = batch.metas[at - batch.first] as BlockMeta;
      if (meta.name !== name) continue;
      found.unshift(at);
      if ((meta.part ?? meta.from ?? 0) === 0) return found;
    }
    index = batch.first - 1;
    onLooked(head.size - batch.first);
  }
  if (found.length > 0)
    throw new StateError(
      `The log lacks the beginning of ${name}; it has blocks ${found.join(', ')}. Ask for them by --blocks.`,
    );
  throw new ArgumentError(
    `This dataset has no file recorded as ${name}. To see the recorded names, run plumb owner get and read plumb-index.txt.`,
  );
}

function bounded(blocks: readonly BlockIndex[]): readonly BlockIndex[] {
  if (blocks.length > MAX_EVIDENCE_BLOCKS) throw tooMany(blocks.length);
  if (blocks.length === 0) throw new ArgumentError('The dataset has no such blocks.');
  return blocks;
}

function tooMany(count: number): ArgumentError {
  return new ArgumentError(
    `You asked for evidence of ${count} blocks; one file has at most ${MAX_EVIDENCE_BLOCKS}. Make several files.`,
  );
}
