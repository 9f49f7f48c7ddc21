import { buildChallengeAnswer } from '../../core/agreement/build-keys.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { equalBytes } from '../../core/bytes.ts';
import { PlumblineError, ProofError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { Agreement, ChallengeAnswer, OpenChallenge } from '../../core/ports/agreements.ts';
import type { HeldBatch } from './collect-batch.ts';
import { holdBatch } from './hold-batch.ts';
import type { SaleParts } from './sale-parts.ts';

/**
 * Shows the challenged chunk on the chain: from the storage's proof of it, or else from the block itself, checked against the
 * archive before anything is sent.
 * @throws when the storage gives neither; the archive then still has all but the chunk
 */
export async function answerChallenge(
  parts: SaleParts,
  agreement: Agreement,
  challenge: OpenChallenge,
  secondsLeft: number,
  signal: AbortSignal,
): Promise<void> {
  const { id } = agreement;
  const { block, seed } = challenge;
  parts.onEvent({ event: 'challenged', agreement: id, block, seed, secondsLeft });
  try {
    const held = await holdBatch(parts, agreement, block, signal);
    const answer = await proveHeld(parts, agreement, held, block, seed, signal);
    const { txHash } = await parts.party.respond(id, answer, signal);
    parts.onEvent({ event: 'answered', agreement: id, block, txHash });
  } catch (cause) {
    const reason = cause instanceof PlumblineError ? cause.shortMessage : String(cause);
    parts.onEvent({ event: 'unanswered', agreement: id, block, secondsLeft, reason });
    throw cause;
  }
}

async function proveHeld(
  { primitives, serviceFor }: SaleParts,
  agreement: Agreement,
  held: HeldBatch,
  block: BlockIndex,
  seed: number,
  signal: AbortSignal,
): Promise<ChallengeAnswer> {
  const service = serviceFor(agreement.id);
  const { dataset } = agreement.terms;
  const answerFrom = (proven: Parameters<typeof buildChallengeAnswer>[4]) =>
    buildChallengeAnswer(primitives, held.batch, held.place, seed, proven);
  let why: string;
  try {
    const { answers } = await service.proveChunks(dataset, [{ index: block, random: seed }], signal);
    const [answer] = answers;
    if (answer !== undefined && 'chunk' in answer && answer.index === block) return answerFrom(answer);
    why = answer !== undefined && 'reason' in answer ? answer.reason : 'it gives no proof';
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    why = cause.shortMessage;
  }
  const got = await service.getBlock(dataset, block, signal);
  if ('reason' in got)
    throw new ProofError(`The storage neither proves nor gives block ${block}: ${why}; ${got.reason}`);
  const opening = held.batch.blocks[block - held.batch.archive.first]?.opening;
  if (opening == null || !equalBytes(primitives.sha256(got.block), opening.sha256)) {
    throw new ProofError(
      `The storage gives other bytes than were recorded as block ${block}; and asked for a proof: ${why}`,
    );
  }
  return answerFrom({ index: block, ...proveChunk(primitives, got.block, seed) });
}
