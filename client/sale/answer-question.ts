import { answerChallenge, answerDemand } from '../../core/agreement/own-batch.ts';
import { type ChunkProof, proveChunk } from '../../core/block/chunk-tree.ts';
import { equalBytes } from '../../core/bytes.ts';
import { PlumblineError, ProofError } from '../../core/errors.ts';
import type { Agreement, OpenQuestion, QuestionAnswer } from '../../core/ports/agreements.ts';
import { awaitCheaperUntil } from './await-cheaper.ts';
import type { HeldBatch } from './collect-batch.ts';
import { holdBatch } from './hold-batch.ts';
import { pathFromMultiproof } from './path-from-multiproof.ts';
import type { SaleParts } from './sale-parts.ts';
import { subsetProof } from './subset-proof.ts';

/** Where a question stands in time, by the chain's newest block or this machine. */
export interface QuestionTime {
  /** By the chain: until it can lapse; once it has, until the grace is over. */
  readonly secondsLeft: number;
  /** Of chain and machine the later. */
  readonly nowSeconds: number;
}

/**
 * Answers on the chain what is asked there: a chunk, from the storage's proof of it or else from the block itself, or the
 * content key of a paid block, for which nothing is needed but the archive. All is checked before anything is sent; where gas
 * is dear, the answer is ready and waits for a cheaper block in the first half of the window.
 * @throws when the storage gives no chunk; the archive then still has all the rest
 */
export async function answerQuestion(
  parts: SaleParts,
  agreement: Agreement,
  question: OpenQuestion,
  { secondsLeft, nowSeconds }: QuestionTime,
  signal: AbortSignal,
): Promise<void> {
  const { id } = agreement;
  const { asks, block } = question;
  // Each question is told apart from an earlier one about the same block.
  const number = agreement.challenges + agreement.demands;
  parts.onEvent({ event: 'challenged', agreement: id, block, number, asks, secondsLeft });
  try {
    const answer = parts.prepared.find(id, question) ?? (await prepare(parts, agreement, question, signal));
    parts.prepared.keep(id, question, answer);
    const untilSeconds = await awaitCheaperUntil(parts.market, agreement, question, nowSeconds, signal);
    if (untilSeconds !== null) {
      parts.onEvent({ event: 'waiting-for-gas', agreement: id, block, asks, untilSeconds });
      return;
    }
    // That the question was opened must be known to whoever finds it answered after a crash.
    await parts.eventsKept?.();
    const { txHash } = await parts.party.respond(id, answer, signal);
    parts.prepared.forget(id);
    parts.onEvent({ event: 'answered', agreement: id, block, number, txHash });
  } catch (cause) {
    const reason = cause instanceof PlumblineError ? cause.shortMessage : String(cause);
    parts.onEvent({ event: 'unanswered', agreement: id, block, number, secondsLeft, reason });
    throw cause;
  }
}

async function prepare(
  parts: SaleParts,
  agreement: Agreement,
  question: OpenQuestion,
  signal: AbortSignal,
): Promise<QuestionAnswer> {
  const { asks, block } = question;
  const held = await holdBatch(parts, agreement, block, signal);
  const path = pathTo(parts, agreement, held, block);
  return asks === 'key'
    ? { asks, path, answer: answerDemand(held.batch, block) }
    : { asks, path, answer: await proveHeld(parts, agreement, held, question, signal) };
}

/**
 * The path of a block's record to the root of the log that was sold.
 * @throws ProofError when the batch does not hold what its proof needs
 */
export function pathTo(
  { primitives }: Pick<SaleParts, 'primitives'>,
  { size }: Pick<Agreement, 'size'>,
  { run }: HeldBatch,
  block: number,
): Uint8Array[] {
  return pathFromMultiproof(block, size, subsetProof(primitives, size, [run], [block]));
}

async function proveHeld(
  { primitives, serviceFor }: SaleParts,
  agreement: Agreement,
  { archive, batch }: HeldBatch,
  { block, seed }: OpenQuestion,
  signal: AbortSignal,
): Promise<ReturnType<typeof answerChallenge>> {
  const service = serviceFor(agreement.id);
  const { dataset } = agreement.terms;
  const answerFrom = (proof: ChunkProof) => answerChallenge(primitives, batch, block, seed, proof);
  let why: string;
  try {
    const { answers } = await service.proveChunks(dataset, [{ index: block, random: seed }], signal);
    const [answer] = answers;
    if (answer !== undefined && 'chunk' in answer && answer.index === block) return answerFrom(answer);
    why = answer !== undefined && 'reason' in answer ? answer.reason : 'it returned no proof';
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    why = cause.shortMessage;
  }
  const got = await service.getBlock(dataset, block, signal);
  if ('reason' in got) {
    throw new ProofError(`The storage can neither prove nor return block ${block}: ${why}; ${got.reason}`);
  }
  const opening = archive.blocks[block - archive.first];
  if (opening === undefined || !equalBytes(primitives.sha256(got.block), opening.sha256)) {
    throw new ProofError(
      `The storage returned bytes that differ from the recorded block ${block}. Asked for a proof: ${why}`,
    );
  }
  return answerFrom(proveChunk(primitives, got.block, seed));
}
