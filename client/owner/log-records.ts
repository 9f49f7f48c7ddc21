import { StateError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { rootOfLeafHashes } from '../../core/log/merkle.ts';
import { type BlockRecord, recordHash } from '../../core/log/record.ts';
import { appendedSubtrees, type Subtree, subtreeName } from '../../core/log/subtrees.ts';
import type { BatchHint, BatchRecords, Fault, RecordSource } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type ListedSegment, segmentWith } from './find-log.ts';

/** A batch of the log with its records, wherever they were found. */
export interface LogBatch extends BatchHint {
  readonly records: readonly BlockRecord[];
}

/** The batch that lies under a key; null when it is gone. */
export type BatchOf = (key: string) => Promise<LogBatch | null>;

/** A fault that says why there is no block. */
export function unavailable(index: BlockIndex, reason: string): Fault {
  return { index, kind: 'unavailable', reason };
}

/**
 * Subtrees of the log that lie within one batch each. What batches lead to together is made of these.
 * @throws ProofError when a batch does not lie where it says
 */
export function subtreesOfBatches(
  hasher: Pick<Primitives, 'sha256'>,
  log: readonly ListedSegment[],
  batchOf: BatchOf,
): PartialSubtrees {
  const known = new Map<string, Uint8Array>();
  for (const { first, count, appended } of log) {
    for (const [i, subtree] of appendedSubtrees(first, first + count).entries()) {
      known.set(subtreeName(subtree), appended[i] as Uint8Array);
    }
  }
  const rootOf = async ({ from, level }: Subtree): Promise<Uint8Array | null> => {
    const segment = segmentWith(log, from);
    const to = from + 2 ** level;
    if (segment === null || to > segment.first + segment.count) return null;
    const records = (await batchOf(segment.key))?.records.slice(from - segment.first, to - segment.first);
    if (records?.length !== to - from) return null;
    return rootOfLeafHashes(
      hasher,
      records.map((record) => recordHash(hasher, record)),
    );
  };
  return async (wanted) => {
    const roots: (Uint8Array | null)[] = [];
    for (const subtree of wanted) roots.push(known.get(subtreeName(subtree)) ?? (await rootOf(subtree)));
    return roots;
  };
}

/** Records of the log's batches, as far as `prove` finds a proof: it throws StateError where what is left gives none. */
export function recordsFrom(
  log: readonly ListedSegment[],
  batchOf: BatchOf,
  prove: (blocks: readonly BlockIndex[], size: number) => Promise<Uint8Array[]>,
): RecordSource {
  /** Those of the blocks that what is left of the log proves: a leaf hash that is lost spoils its own subtree alone. */
  const provable = async (blocks: readonly BlockIndex[], size: number): Promise<readonly BlockIndex[]> => {
    if (blocks.length === 0) return [];
    try {
      await prove(blocks, size);
      return blocks;
    } catch (cause) {
      if (!(cause instanceof StateError)) throw cause;
    }
    if (blocks.length === 1) return [];
    const middle = blocks.length >>> 1;
    return [...(await provable(blocks.slice(0, middle), size)), ...(await provable(blocks.slice(middle), size))];
  };
  return {
    async getRecords(_dataset, blocks, size) {
      const shown = new Map<BlockIndex, { batch: LogBatch; record: BlockRecord }>();
      for (const index of blocks) {
        const segment = segmentWith(log, index);
        const batch = segment === null ? null : await batchOf(segment.key);
        const record = batch?.records[index - batch.first];
        if (batch && record) shown.set(index, { batch, record });
      }
      const proven = await provable([...shown.keys()], size);
      const byBatch = Map.groupBy(proven, (index) => shown.get(index)?.batch);
      const batches = [...byBatch].flatMap(([batch, indices]): BatchRecords[] => {
        if (batch === undefined) return [];
        const { records, ...hint } = batch;
        return [
          {
            ...hint,
            records: indices.map((index) => ({ index, record: records[index - batch.first] as BlockRecord })),
          },
        ];
      });
      const isProven = new Set(proven);
      const faults = blocks
        .filter((index) => !isProven.has(index))
        .map((index) => unavailable(index, faultReason(shown.has(index))));
      return { batches, proof: proven.length === 0 ? [] : await prove(proven, size), faults };
    },
  };
}

function faultReason(hasRecord: boolean): string {
  return hasRecord
    ? 'What remains of the log does not prove the record of this block.'
    : 'The record of this block is not part of the recorded log.';
}
