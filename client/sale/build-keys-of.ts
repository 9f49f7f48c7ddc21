import { buildBatchKeys } from '../../core/agreement/build-keys.ts';
import type { BatchKeys } from '../../core/agreement/key-payload.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { LedgerUnavailableError, PlumblineError, StoreUnavailableError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { HeldBatch } from './collect-batch.ts';
import { datasetKeyOf, holdBatch } from './hold-batch.ts';
import type { SaleParts } from './sale-parts.ts';
import type { ServedAgreement } from './served-agreement.ts';

/** Keys of blocks, and the blocks of which there are none: what storage gives does not lead to the log. */
export interface BuiltKeys {
  readonly keys: readonly BatchKeys[];
  readonly missing: readonly BlockIndex[];
  readonly reason: string | null;
}

/**
 * Keys of some blocks, ascending. A batch that is paid for whole is opened by one key.
 * @throws StoreUnavailableError when storage does not answer: the same can be tried again
 */
export async function buildKeysOf(
  parts: SaleParts,
  { agreement }: ServedAgreement,
  blocks: readonly BlockIndex[],
  paid: number,
  signal: AbortSignal,
): Promise<BuiltKeys> {
  const datasetKey = datasetKeyOf(parts, agreement.terms.dataset);
  const keys: BatchKeys[] = [];
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
    const { first, blocks: all } = held.batch.archive;
    const end = first + all.length;
    const wanted: BlockIndex[] = [];
    for (; at < blocks.length && (blocks[at] as BlockIndex) < end; at++) wanted.push(blocks[at] as BlockIndex);
    const whole = isPaidWhole(agreement.terms, paid, first, end) && held.batch.archive.nonce !== null;
    keys.push(buildBatchKeys(parts.primitives, datasetKey, held.batch, held.place.position, wanted, whole));
  }
  return { keys, missing, reason };
}

/** Blocks outside the range for sale are nobody's to give: a batch that reaches beyond is never opened whole. */
function isPaidWhole(terms: Pick<Terms, 'first'>, paid: number, first: number, end: number): boolean {
  return first >= terms.first && end <= terms.first + paid;
}

/** @throws the error itself when it may be gone the next time */
function permanentReason(cause: unknown): string {
  if (cause instanceof StoreUnavailableError || cause instanceof LedgerUnavailableError) throw cause;
  if (!(cause instanceof PlumblineError)) throw cause;
  return cause.shortMessage;
}
