import { deriveEncryptionKeys } from '../../core/agreement/seal-message.ts';
import { equalBytes } from '../../core/bytes.ts';
import { type ErrorKind, KeyError, LedgerUnavailableError, PlumblineError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { deriveOfferSeed } from '../../core/keys.ts';
import type { Agreement, AgreementState } from '../../core/ports/agreements.ts';
import { answerQuestion } from './answer-question.ts';
import { countHeld, firstUnheld, holdBatch, requireDataset } from './hold-batch.ts';
import { findNextSequence, postMessages } from './post-messages.ts';
import { releasePaid } from './release-paid.ts';
import type { SaleParts } from './sale-parts.ts';
import { firstUnposted, noteSettled, readProgress } from './sale-rows.ts';
import type { ServedAgreement } from './served-agreement.ts';
import { claimVoucher, closeAgreement } from './settle-agreement.ts';
import { takeMessages, takeShownVoucher } from './take-messages.ts';

/** Of one agreement in one step, so that messages and questions need not wait for a long archive. */
const BATCHES_PER_STEP = 64;
const RELEASES_PER_STEP = 64;
/** A storage that hangs takes the time of nothing else. */
const ANSWER_TIMEOUT_MS = 120_000;
const DELIVER_TIMEOUT_MS = 90_000;
const SERVED: ReadonlySet<AgreementState> = new Set(['active', 'challenged', 'lapsed']);
/** Kinds of errors that the next step will meet again: what storage gives is not what was sold, or a key is missing. */
const LASTING: ReadonlySet<ErrorKind> = new Set(['arguments', 'file', 'answer']);

/**
 * One step of the owner's side of one agreement, from whatever state it is in: everything is read from the chain, the mailbox
 * and the disk first, so any step can be repeated. What is about the bond comes first.
 * @throws the first error, when the other steps have had their turn
 */
export async function serveAgreement(parts: SaleParts, id: AgreementId, signal: AbortSignal): Promise<void> {
  const { point, agreement: newest } = await parts.market.readAgreement(id, 'latest', signal);
  const { agreement: final } = await parts.market.readAgreement(id, 'final', signal);
  if (final === null || newest === null)
    throw new LedgerUnavailableError(`The node does not know agreement ${id} (yet).`);
  const chainSeconds = Math.floor(point.timestampMs / 1000);
  const answered = newest.challenges + newest.demands - (newest.question === null ? 0 : 1);
  if (answered > 0 && newest.state !== 'breached')
    parts.onEvent({ event: 'answers-found', agreement: id, number: answered });
  const isOwed = final.state === 'closed' && owesKeys(parts, final, chainSeconds);
  if (final.state === 'cancelled' || final.state === 'breached' || (final.state === 'closed' && !isOwed)) {
    // Behind this nobody looks at the agreement any more.
    await parts.eventsKept?.();
    noteSettled(parts.state, id, final.state);
    parts.onEvent({ event: 'settled', agreement: id, state: final.state });
    return;
  }
  // Where nothing happens, the newest block is old. To claim too early costs nothing, to stop delivering would.
  const nowSeconds = Math.max(chainSeconds, Math.floor(parts.runtime.nowMs() / 1000));
  const errors: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) throw error;
      errors.push(error);
    }
  };
  const { question, buyer, state } = newest;
  if (question !== null) {
    const secondsLeft = (question.graceEndSeconds ?? question.deadlineSeconds) - chainSeconds;
    // What has not lapsed can be answered, however late it is.
    const isAnswerable = question.graceEndSeconds === null || secondsLeft >= 0;
    const inTime = AbortSignal.any([signal, parts.runtime.timeout(ANSWER_TIMEOUT_MS)]);
    // Side by side: the storage may let the answer wait, and the claim needs nothing of it.
    await Promise.all([
      isAnswerable && attempt(() => answerQuestion(parts, newest, question, { secondsLeft, nowSeconds }, inTime)),
      attempt(() => claimVoucher(parts, newest, nowSeconds, signal)),
    ]);
  }
  if (final.buyer !== null && buyer !== null && (SERVED.has(state) || isOwed)) {
    const { consumer, endSeconds } = buyer;
    parts.onEvent({ event: 'accepted', agreement: id, consumer, endSeconds });
    const before = errors.length;
    const toClaimSeconds = endSeconds + newest.terms.windowSeconds;
    const times = { delivers: chainSeconds < endSeconds, posts: chainSeconds <= toClaimSeconds };
    const inTime = AbortSignal.any([signal, parts.runtime.timeout(DELIVER_TIMEOUT_MS)]);
    if (question === null) await attempt(() => claimVoucher(parts, newest, nowSeconds, signal));
    await attempt(() => takeShownVoucher(parts, final as ServedAgreement['agreement'], inTime));
    if (question !== null) await attempt(() => claimVoucher(parts, newest, nowSeconds, signal));
    await attempt(() => deliver(parts, final as ServedAgreement['agreement'], newest, times, inTime));
    // The last voucher may be in a mailbox that does not answer now: whoever ends the agreement gives it up.
    const isRead = errors.length === before || nowSeconds > toClaimSeconds + newest.terms.windowSeconds;
    await attempt(() => claimVoucher(parts, newest, nowSeconds, signal));
    if (isRead && nowSeconds >= toClaimSeconds) await attempt(() => closeAgreement(parts, newest, signal));
    await attempt(() => archive(parts, final, signal));
  }
  if (errors.length > 0) throw errors[0];
}

/** Who approves before everything has come is owed it until the end (specification#delivery). */
function owesKeys({ state }: SaleParts, { id, agent, buyer, due, terms }: Agreement, chainSeconds: number): boolean {
  if (buyer === null || due !== terms.price || chainSeconds >= buyer.endSeconds) return false;
  return readProgress(state, id).released < terms.count || firstUnposted(state, id, agent) !== null;
}

async function deliver(
  parts: SaleParts,
  agreement: ServedAgreement['agreement'],
  newest: Agreement,
  { delivers, posts }: { readonly delivers: boolean; readonly posts: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { privateKey: encryptionKey } = await encryptionKeysOf(parts, agreement);
  const securedDue = newest.question === null ? null : await readSecuredDue(parts, newest, signal);
  const served: ServedAgreement = { agreement, encryptionKey, delivers, securedDue };
  await findNextSequence(parts, served, signal);
  if (posts) await postMessages(parts, served, signal);
  await takeMessages(parts, served, signal);
  if (posts) await postMessages(parts, served, signal);
  for (let i = 0; i < RELEASES_PER_STEP && (await releasePaid(parts, served, signal)); i++) {
    await postMessages(parts, served, signal);
  }
}

/** What is due by now while a question is open; null when that is over. */
async function readSecuredDue(parts: SaleParts, before: Agreement, signal: AbortSignal): Promise<bigint | null> {
  const { agreement } = await parts.market.readAgreement(before.id, 'latest', signal);
  const { question, due } = agreement ?? before;
  return question === null ? null : due;
}

/** @throws KeyError when the offer was made for other keys than those that follow from the agent's file */
async function encryptionKeysOf(parts: SaleParts, { id, ownerEncryptionKey }: Agreement) {
  const { nonce } = readProgress(parts.state, id);
  const keys = await deriveEncryptionKeys(deriveOfferSeed(parts.primitives, parts.offersSecret, nonce));
  if (equalBytes(keys.publicKey, ownerEncryptionKey)) return keys;
  const reason = `Offer ${nonce} names a different encryption key from the one in the agent's file.`;
  parts.onEvent({ event: 'not-servable', agreement: id, reason });
  throw new KeyError(reason);
}

/** Goes on archiving. An agreement that cannot be served is said to be so, as its bond is in danger. */
async function archive(parts: SaleParts, agreement: Agreement, signal: AbortSignal): Promise<void> {
  const { id } = agreement;
  try {
    requireDataset(parts, agreement.terms.dataset);
    for (let i = 0; i < BATCHES_PER_STEP; i++) {
      const block = firstUnheld(parts.state, agreement);
      if (block === null) break;
      await holdBatch(parts, agreement, block, signal);
    }
  } catch (cause) {
    if (cause instanceof PlumblineError && LASTING.has(cause.kind)) {
      parts.onEvent({ event: 'not-servable', agreement: id, reason: cause.shortMessage });
    }
    throw cause;
  }
  if (firstUnheld(parts.state, agreement) === null) {
    parts.onEvent({ event: 'archived', agreement: id, batches: countHeld(parts.state, id) });
  }
}
