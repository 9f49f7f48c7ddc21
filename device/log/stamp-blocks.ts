import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { type CaptureTime, nextCaptureTime } from '../../core/block/falling-clock.ts';
import { type BlockMeta, encodeMeta } from '../../core/block/meta.ts';
import { MAX_META_BYTES } from '../../core/limits.ts';
import type { PlannedBatch } from '../outbox/batch-rows.ts';

/**
 * Captured blocks as they are sealed: `at` does not fall behind the block before them, which another copy of the outbox may
 * have captured later, and `after` names the final chain block that was known. The same row always gives the same metas.
 */
export function stampBlocks(
  captured: readonly CapturedBlock[],
  { beforeAtMs, after }: Pick<PlannedBatch, 'beforeAtMs' | 'after'>,
): CapturedBlock[] {
  let last: CaptureTime | null = beforeAtMs === null ? null : { at: beforeAtMs };
  return captured.map(({ content, meta }) => {
    const { at, clock, ...rest } = meta;
    last = nextCaptureTime(last, {
      nowMs: at,
      isSynchronised: clock !== 1,
      isNewStretch: clock === 2 || last === null,
    });
    return { content, meta: withAfter({ ...rest, ...last }, after) };
  });
}

/**
 * Whether a block captured with the first meta may have been sealed with the second: by this outbox, or by the one that it
 * is a copy of.
 */
export function isSealedAs({ at, clock, ...captured }: BlockMeta, sealed: BlockMeta): boolean {
  const { at: sealedAt, clock: sealedClock, after, ...rest } = sealed;
  const sameTime = at === sealedAt || (sealedClock === 1 && at < sealedAt);
  return sameTime && Buffer.from(encodeMeta({ at: 0, ...captured })).equals(encodeMeta({ at: 0, ...rest }));
}

/** The longest that sealing makes of a meta: a source asks with it whether a name fits. @throws ArgumentError when it does not */
export function requireSealable(meta: BlockMeta): void {
  encodeMeta({ ...meta, at: Number.MAX_SAFE_INTEGER, clock: 1, after: new Uint8Array(32) });
}

/** A block without room for it can do without: it proves a time, and no content. */
function withAfter(meta: Omit<BlockMeta, 'object'>, after: Uint8Array | null): Omit<BlockMeta, 'object'> {
  if (after === null) return meta;
  const dated = { ...meta, after };
  return encodeMeta(meta).length + AFTER_BYTES > MAX_META_BYTES ? meta : dated;
}

// Of the field in dag-cbor: its name, and 32 bytes with their length.
const AFTER_BYTES = 40;
