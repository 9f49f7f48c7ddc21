import { encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { ProofError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { buildKeysOf } from './build-keys-of.ts';
import { packKeys, SURE_BLOCKS } from './pack-keys.ts';
import type { SaleParts } from './sale-parts.ts';
import { keepStep, readProgress, readSamples } from './sale-rows.ts';
import { sealToConsumer } from './seal-to-consumer.ts';
import { paidOf, type ServedAgreement } from './served-agreement.ts';

/**
 * Makes the next message with keys of blocks that are paid for and were not sent, and keeps it to be posted.
 * @returns false when there is nothing more to release
 * @throws ProofError when storage no longer shows what was sold
 */
export async function releasePaid(parts: SaleParts, served: ServedAgreement, signal: AbortSignal): Promise<boolean> {
  const { agreement } = served;
  const progress = readProgress(parts.state, agreement.id);
  const paid = paidOf(served, progress);
  if (!served.delivers || progress.released >= paid) return false;
  const { first } = agreement.terms;
  const sampled = readSamples(parts.state, agreement.id);
  const blocks: BlockIndex[] = [];
  let released = progress.released;
  for (; released < paid && blocks.length < SURE_BLOCKS; released++) {
    if (!sampled.has(first + released)) blocks.push(first + released);
  }
  const { keys, missing, reason } = await buildKeysOf(parts, served, blocks, paid, signal);
  if (missing.length > 0) throw new ProofError(`Keys of block ${missing[0]} cannot be given: ${reason}`);
  const [message = []] = packKeys(keys);
  // More than one message only when many batches are tiny: the rest comes with the next one.
  const last = message.at(-1)?.blocks.at(-1)?.index;
  const sent = message.reduce((sum, batch) => sum + batch.blocks.length, 0);
  if (sent < blocks.length && last !== undefined) released = last + 1 - first;
  const payloads = message.length === 0 ? [] : [encodeKeyPayload(message)];
  const messages = await sealToConsumer(parts, agreement, progress.next ?? 0, payloads);
  keepStep(parts.state, agreement.id, { released, messages });
  return true;
}
