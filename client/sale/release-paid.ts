import { isWeakPoint } from '../../core/agreement/weak-point.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { ProofError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { buildKeysOf } from './build-keys-of.ts';
import { encodeGiven, packKeys } from './pack-keys.ts';
import type { SaleParts } from './sale-parts.ts';
import { keepStep, readProgress, readSamples } from './sale-rows.ts';
import { sealToConsumer } from './seal-to-consumer.ts';
import { dueOf, paidOf, type ServedAgreement } from './served-agreement.ts';

/** Looked at for one message; neighbours share most of their proof, so that about as many fit. */
const BLOCKS_A_MESSAGE = 256;

/**
 * Makes the next message with keys of blocks that are paid for and were not sent, and keeps it to be posted.
 * @returns false when there is nothing more to release
 * @throws ProofError when storage no longer shows what was sold
 */
export async function releasePaid(parts: SaleParts, served: ServedAgreement, signal: AbortSignal): Promise<boolean> {
  const { agreement } = served;
  const progress = readProgress(parts.state, agreement.id);
  const paid = paidOf(served, progress);
  if (!served.delivers || progress.released >= paid || isWeakPoint(agreement.buyer.encryptionKey)) return false;
  const { first } = agreement.terms;
  const sampled = readSamples(parts.state, agreement.id);
  const isSent = givenWhole(agreement, sampled);
  const blocks: BlockIndex[] = [];
  let released = progress.released;
  for (; released < paid && blocks.length < BLOCKS_A_MESSAGE; released++) {
    if (!isSent.has(first + released)) blocks.push(first + released);
  }
  const due = dueOf(served, progress);
  const { given, missing, reason } = await buildKeysOf(parts, served, blocks, { due, sampled }, signal);
  if (missing.length > 0) throw new ProofError(`The agent cannot hand out the keys of block ${missing[0]}: ${reason}`);
  const [message = []] = packKeys(agreement.size, given);
  const last = message.at(-1)?.keys.index;
  if (message.length < blocks.length && last !== undefined) released = last + 1 - first;
  const payloads = message.length === 0 ? [] : [encodeGiven(parts.primitives, agreement.size, message)];
  const messages = await sealToConsumer(parts, agreement, progress.next ?? 0, payloads);
  keepStep(parts.state, agreement.id, { released, messages });
  return true;
}

/**
 * Of the samples, those that came with all there is to give: in an encrypted dataset the previews; the others' content keys
 * are still owed once they are paid for.
 */
export function givenWhole(
  { kind, terms }: Pick<ServedAgreement['agreement'], 'kind' | 'terms'>,
  sampled: readonly BlockIndex[],
): Set<BlockIndex> {
  return new Set(kind === ENCRYPTED ? sampled.slice(0, terms.previews) : sampled);
}
