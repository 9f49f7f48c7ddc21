import type { BatchContentKey, BlockKeys } from '../../core/agreement/key-payload.ts';
import { keysOfBlock } from '../../core/agreement/own-batch.ts';
import { type ContentAllowance, isContentKeyDue } from '../../core/agreement/previews.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import { LedgerUnavailableError, PlumblineError, StoreUnavailableError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { HeldBatch } from './collect-batch.ts';
import { holdBatch } from './hold-batch.ts';
import type { SaleParts } from './sale-parts.ts';
import type { ServedAgreement } from './served-agreement.ts';

/** Keys of one block, and what they are sent with. */
export interface GivenKeys {
  readonly keys: BlockKeys;
  /** Takes the place of the block's own content key where the batch is paid for whole. */
  readonly batch: BatchContentKey | null;
  readonly held: HeldBatch;
}

/** Keys of blocks, and the blocks of which there are none: what storage gives does not lead to the log. */
export interface BuiltKeys {
  readonly given: readonly GivenKeys[];
  readonly missing: readonly BlockIndex[];
  readonly reason: string | null;
}

/**
 * Keys of some blocks, ascending. A sample brings its blockKey alone, unless it is a preview; a batch that is paid for whole
 * is opened by one key.
 * @throws StoreUnavailableError when storage does not answer: the same can be tried again
 */
export async function buildKeysOf(
  parts: SaleParts,
  { agreement }: ServedAgreement,
  blocks: readonly BlockIndex[],
  allowance: Pick<ContentAllowance, 'due' | 'sampled'>,
  signal: AbortSignal,
): Promise<BuiltKeys> {
  const { terms } = agreement;
  const given: GivenKeys[] = [];
  const missing: BlockIndex[] = [];
  let reason: string | null = null;
  for (let at = 0; at < blocks.length; ) {
    const block = blocks[at] as BlockIndex;
    let held: HeldBatch;
    // A batch takes milliseconds, a request may name thousands: other agreements' challenges have their turn.
    await parts.runtime.nextTurn();
    signal.throwIfAborted();
    try {
      held = await holdBatch(parts, agreement, block, signal);
    } catch (cause) {
      signal.throwIfAborted();
      reason = permanentReason(cause);
      missing.push(block);
      at++;
      continue;
    }
    const batch = batchKeyOf(held, terms.first, paidBlocks(terms, allowance.due));
    const end = held.archive.first + held.archive.blocks.length;
    for (; at < blocks.length && (blocks[at] as BlockIndex) < end; at++) {
      const index = blocks[at] as BlockIndex;
      const withContentKey = batch === null && isContentKeyDue({ terms, ...allowance }, index);
      given.push({ keys: keysOfBlock(held.batch, index, withContentKey), batch, held });
    }
  }
  return { given, missing, reason };
}

/**
 * The content key of a batch all of whose blocks are paid for. Where storage tells of fewer blocks than the batch has, its
 * key would open the others, too: so the salt has to show that they are all.
 */
function batchKeyOf({ archive, batch, isWhole }: HeldBatch, saleFirst: number, paid: number): BatchContentKey | null {
  const { first, blocks } = archive;
  const isPaidWhole = isWhole && first >= saleFirst && first + blocks.length <= saleFirst + paid;
  if (!isPaidWhole || batch.contentBatchKey === null) return null;
  return { first, count: blocks.length, key: batch.contentBatchKey };
}

/** @throws the error itself when it may be gone the next time */
function permanentReason(cause: unknown): string {
  if (cause instanceof StoreUnavailableError || cause instanceof LedgerUnavailableError) throw cause;
  if (!(cause instanceof PlumblineError)) throw cause;
  return cause.shortMessage;
}
