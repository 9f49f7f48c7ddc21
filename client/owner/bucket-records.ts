import type { SegmentFront } from '../../core/batch/read-segment.ts';
import { StateError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { rootOfLeafHashes } from '../../core/log/merkle.ts';
import { recordHash } from '../../core/log/record.ts';
import { appendedSubtrees, type Subtree, subtreeName } from '../../core/log/subtrees.ts';
import type { BatchHint, BatchRecords, Fault, RecordSource } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type ListedSegment, segmentWith } from './bucket-log.ts';

/** The front of a segment in the bucket; null when it is gone, or is none. */
export type FrontOf = (key: string) => Promise<SegmentFront | null>;

/** A fault that says why there is no block. */
export function unavailable(index: BlockIndex, reason: string): Fault {
  return { index, kind: 'unavailable', reason };
}

/** Subtrees of the log that lie within one segment each. What segments lead to together is made of these. */
export function subtreesOfSegments(
  hasher: Pick<Primitives, 'sha256'>,
  log: readonly ListedSegment[],
  frontOf: FrontOf,
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
    const front = await frontOf(segment.key);
    const lines = front?.manifest.blocks.slice(from - segment.first, to - segment.first);
    if (lines?.length !== to - from) return null;
    return rootOfLeafHashes(
      hasher,
      lines.map(({ record }) => recordHash(hasher, record)),
    );
  };
  return async (wanted) => {
    const roots: (Uint8Array | null)[] = [];
    for (const subtree of wanted) roots.push(known.get(subtreeName(subtree)) ?? (await rootOf(subtree)));
    return roots;
  };
}

/** Records of the log's segments, as far as `prove` finds a proof: it throws StateError where what is left gives none. */
export function recordsFrom(
  log: readonly ListedSegment[],
  frontOf: FrontOf,
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
      const shown = new Map<BlockIndex, { front: SegmentFront; record: BatchRecords['records'][number] }>();
      for (const index of blocks) {
        const segment = segmentWith(log, index);
        const front = segment === null ? null : await frontOf(segment.key);
        const line = front?.manifest.blocks[index - (segment?.first ?? 0)];
        if (front && line) shown.set(index, { front, record: { index, record: line.record } });
      }
      const proven = await provable([...shown.keys()], size);
      const byBatch = Map.groupBy(proven, (index) => shown.get(index)?.front.manifest);
      const batches = [...byBatch].flatMap(([manifest, indices]): BatchRecords[] => {
        if (manifest === undefined) return [];
        const records = indices.flatMap((index) => shown.get(index)?.record ?? []);
        return [{ ...hintOf(manifest), records }];
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
    ? 'Nothing that is left in the bucket proves the record of this block.'
    : 'The bucket has no readable segment of the recorded log with this block.';
}

function hintOf({ first, serial, salt, nonce, blocks }: SegmentFront['manifest']): BatchHint {
  return {
    first,
    count: blocks.length,
    serial,
    salt,
    nonce,
    largestBlockBytes: Math.max(...blocks.map(({ size }) => size)),
  };
}
