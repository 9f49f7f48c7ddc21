import type { BlockMeta } from '../../core/block/meta.ts';
import type { BlockIndex } from '../../core/ids.ts';

/** A block of the range, verified and decrypted. */
export interface VerifiedBlock {
  readonly index: BlockIndex;
  readonly meta: BlockMeta;
  readonly content: Uint8Array;
}
