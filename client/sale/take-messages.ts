import { decodeKeyRequest, encodeKeyRefusal, type KeyRequest } from '../../core/agreement/key-request.ts';
import { MAX_MESSAGES, requireMessageSigner, type SealedMessage } from '../../core/agreement/message.ts';
import { admitBlocks } from '../../core/agreement/quota.ts';
import { openMessage } from '../../core/agreement/seal-message.ts';
import { SequenceGuard } from '../../core/agreement/sequence-guard.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { recoverVoucherSigner } from '../../core/agreement/voucher.ts';
import { isWeakPoint } from '../../core/agreement/weak-point.ts';
import { type ErrorKind, PlumblineError, ProofError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { buildKeysOf } from './build-keys-of.ts';
import { encodeGiven, packKeys, sureBlocks } from './pack-keys.ts';
import { givenWhole } from './release-paid.ts';
import type { SaleEvent } from './sale-event.ts';
import type { SaleParts } from './sale-parts.ts';
import { keepStep, noteVoucher, readProgress, readSamples, type SaleProgress } from './sale-rows.ts';
import { sealToConsumer } from './seal-to-consumer.ts';
import { dueOf, paidOf, type ServedAgreement, type SoldAgreement } from './served-agreement.ts';

/** Of one agreement in one step: the others have their turn, too. */
const MAX_PAGES = 16;
const WEAK_KEY =
  "The consumer's encryption key is a point of small order: nothing can be sealed to it. The agent still takes vouchers.";
/** Kinds of errors that a message of the consumer's earns: it does not open, or says what a request cannot. */
const ITS_OWN_FAULT: ReadonlySet<ErrorKind> = new Set(['arguments', 'answer']);

/**
 * Takes what the consumer has written since, each message once and in order: its voucher is kept first, then what it asks for
 * is admitted or refused, and the answer kept together with the note that the message was taken.
 * @throws StateError when no more answers fit the mailbox; ProofError, StoreUnavailableError as `holdBatch`
 */
export async function takeMessages(parts: SaleParts, served: ServedAgreement, signal: AbortSignal): Promise<void> {
  const { id, buyer, agent } = served.agreement;
  // A consumer may name any account as its signer, this agent's, too. Then all messages there are the agent's own, and each
  // would be refused by another one.
  if (buyer.signer === agent) return;
  const service = parts.serviceFor(id);
  let sequence = readProgress(parts.state, id).received + 1;
  for (let page = 0; page < MAX_PAGES && sequence < MAX_MESSAGES; page++) {
    const { messages, next } = await service.listMessages(id, { from: buyer.signer, sequence }, signal);
    for (const message of messages.toSorted((a, b) => a.sequence - b.sequence)) {
      await takeMessage(parts, served, message, signal);
    }
    if (next === null || next <= sequence) return;
    sequence = next;
  }
}

async function takeMessage(
  parts: SaleParts,
  served: ServedAgreement,
  message: SealedMessage,
  signal: AbortSignal,
): Promise<void> {
  const { state, market } = parts;
  const { id, buyer, agent } = served.agreement;
  const progress = readProgress(state, id);
  const { sequence } = message;
  try {
    const isOurs = message.agreement === id && message.from === buyer.signer && message.to === agent;
    if (!isOurs) throw new ProofError("The message is not from this agreement's consumer to its agent.");
    requireMessageSigner(market.domain, message);
    const read = { agreement: id, from: buyer.signer, sequence: progress.received };
    new SequenceGuard(progress.received < 0 ? [] : [read]).take(message);
  } catch (cause) {
    // Whoever put it there was not the consumer, or it was taken before: it leaves no trace.
    if (!(cause instanceof ProofError)) throw cause;
    parts.onEvent({ event: 'message-refused', agreement: id, sequence, reason: cause.shortMessage });
    return;
  }
  let request: KeyRequest;
  try {
    request = decodeKeyRequest(await openMessage(market.domain, message, served.encryptionKey));
  } catch (cause) {
    if (!(cause instanceof PlumblineError) || !ITS_OWN_FAULT.has(cause.kind)) throw cause;
    const said = { event: 'message-refused', agreement: id, sequence, reason: cause.shortMessage } as const;
    const reason = isWeakPoint(buyer.encryptionKey) ? null : cause.shortMessage;
    await answer(parts, served, said, { keys: [], newSamples: [], refused: [], reason });
    return;
  }
  const voucherProblem = takeVoucher(parts, served, request, progress);
  if (isWeakPoint(buyer.encryptionKey)) {
    const said = { event: 'message-refused', agreement: id, sequence, reason: WEAK_KEY } as const;
    await answer(parts, served, said, { keys: [], newSamples: [], refused: [], reason: null });
    return;
  }
  await answerRequest(parts, served, sequence, request, voucherProblem, signal);
}

/**
 * Takes the voucher that the consumer has shown to the storage, which delivers against it: a consumer who needs no keys may
 * never write to the owner.
 * @throws ProofError when the storage shows a voucher that is not the consumer's; StoreUnavailableError when it does not
 * answer
 */
export async function takeShownVoucher(
  parts: SaleParts,
  agreement: SoldAgreement['agreement'],
  signal: AbortSignal,
): Promise<void> {
  const { id, terms } = agreement;
  const progress = readProgress(parts.state, id);
  const known = progress.voucher?.due ?? agreement.due;
  if (known === terms.price) return;
  const voucher = await parts.serviceFor(id).getVoucher(id, signal);
  if (voucher === null || voucher.due <= known) return;
  const problem = takeVoucher(parts, { agreement, securedDue: null }, { voucher }, progress);
  if (problem !== null) throw new ProofError(`The storage shows an invalid voucher: ${problem}`);
}

/** Keeps a higher valid voucher. @returns what is wrong with it, or null */
function takeVoucher(
  { state, market, onEvent }: SaleParts,
  served: SoldAgreement,
  { voucher }: Pick<KeyRequest, 'voucher'>,
  progress: SaleProgress,
): string | null {
  if (voucher === null) return null;
  const { id, terms, buyer } = served.agreement;
  const { due, signature } = voucher;
  if (due > terms.price) return `The voucher is for ${due}, above the price of ${terms.price}.`;
  try {
    const signer = recoverVoucherSigner(market.domain, { agreement: id, due }, signature);
    if (signer !== buyer.signer) return `The voucher is signed by ${signer}, not by ${buyer.signer}.`;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return cause.shortMessage;
  }
  if (due <= (progress.voucher?.due ?? terms.fee)) return null;
  noteVoucher(state, id, due, signature);
  const paidBlocks = paidOf(served, { voucher });
  onEvent({ event: 'voucher', agreement: id, due: String(due), token: terms.token, paidBlocks });
  return null;
}

async function answerRequest(
  parts: SaleParts,
  served: ServedAgreement,
  sequence: number,
  { blocks }: KeyRequest,
  voucherProblem: string | null,
  signal: AbortSignal,
): Promise<void> {
  const { id, terms, size } = served.agreement;
  const progress = readProgress(parts.state, id);
  const sampled = readSamples(parts.state, id);
  const due = dueOf(served, progress);
  const admission = served.delivers
    ? admitBlocks({ terms, due, sampled: new Set(sampled) }, blocks)
    : { admitted: [], newSamples: [], refused: blocks };
  const { admitted, newSamples } = admission;
  const paid = served.delivers ? paidOf(served, progress) : 0;
  const allSampled = [...sampled, ...newSamples];
  // Of what is paid for, all is given that there is; of a sample that is no preview, the content key is still to come.
  const paidEnd = terms.first + paid;
  const isSent = new Set([...givenWhole(served.agreement, allSampled), ...admitted.filter((block) => block < paidEnd)]);
  const more = furtherPaid(terms, progress.released, paid, isSent, sureBlocks(size) - admitted.length);
  const wanted = [...new Set([...admitted, ...more])].sort((a, b) => a - b);
  const isRepeated = newSamples.length === 0 && more.length === 0;
  // Where a repetition would find no place, it costs no work either.
  const built =
    isRepeated && roomFor(served, progress, true) === 0
      ? { given: [], missing: wanted, reason: 'The mailbox has no room to send the same keys again.' }
      : await buildKeysOf(parts, served, wanted, { due, sampled: allSampled }, signal);
  for (const block of more) isSent.add(block);
  for (const block of built.missing) isSent.delete(block);
  const missing = built.missing.filter((block) => blocks.includes(block));
  const refused = [...admission.refused, ...missing].sort((a, b) => a - b);
  const reasons = [
    voucherProblem,
    missing.length > 0 ? built.reason : null,
    served.delivers || blocks.length === 0 ? null : 'The agreement has ended.',
    served.delivers && admission.refused.length > 0 ? 'Some blocks are neither paid for nor samples.' : null,
  ];
  const given = blocks.length - refused.length;
  const released = more.filter((block) => isSent.has(block)).length;
  const said = {
    event: 'request',
    agreement: id,
    sequence,
    admitted: given,
    released,
    refused: refused.length,
  } as const;
  await answer(parts, served, said, {
    keys: packKeys(size, built.given).map((message) => encodeGiven(parts.primitives, size, message)),
    newSamples: newSamples.filter((block) => !built.missing.includes(block)),
    released: releasedBy(terms, progress.released, paid, isSent),
    refused,
    reason: reasons.filter((reason) => reason !== null).join(' ') || null,
  });
}

/** What else is paid for by now, as much as fits beside the answer: a mailbox takes only so many messages. */
function furtherPaid(
  { first }: Pick<Terms, 'first'>,
  released: number,
  paid: number,
  isSent: ReadonlySet<BlockIndex>,
  most: number,
): BlockIndex[] {
  const more: BlockIndex[] = [];
  for (let place = released; place < paid && more.length < most; place++) {
    if (!isSent.has(first + place)) more.push(first + place);
  }
  return more;
}

/** How far the paid prefix is sent without a gap. */
function releasedBy(
  { first }: Pick<Terms, 'first'>,
  released: number,
  paid: number,
  isSent: ReadonlySet<BlockIndex>,
): number {
  let end = released;
  while (end < paid && isSent.has(first + end)) end++;
  return end;
}

/** What is new has its place; repetitions and refusals must leave enough for what is still to be delivered. */
function roomFor({ agreement }: ServedAgreement, { next, released }: SaleProgress, isRepeated: boolean): number {
  const kept = isRepeated ? Math.ceil((agreement.terms.count - released) / sureBlocks(agreement.size)) : 0;
  return Math.max(0, MAX_MESSAGES - (next ?? 0) - kept);
}

interface Answer {
  readonly keys: readonly Uint8Array[];
  readonly newSamples: readonly BlockIndex[];
  /** Absent where nothing was sent. */
  readonly released?: number;
  readonly refused: readonly BlockIndex[];
  /** Null when nothing is refused. */
  readonly reason: string | null;
}

/**
 * Keeps the answer and that the message was taken, at once: after a crash it is neither lost nor made a second time. What
 * somebody has to be told of it is kept before: nobody looks at a message again that was taken.
 */
async function answer(
  parts: SaleParts,
  served: ServedAgreement,
  said: Extract<SaleEvent, { event: 'request' | 'message-refused' }>,
  given: Answer,
): Promise<void> {
  const { agreement } = served;
  const progress = readProgress(parts.state, agreement.id);
  const { next, released } = progress;
  const first = next ?? 0;
  const isNew = given.newSamples.length > 0 || (given.released ?? 0) > released;
  const room = roomFor(served, progress, !isNew);
  const refusal = given.reason === null ? [] : [encodeKeyRefusal({ blocks: given.refused, reason: given.reason })];
  const payloads = [[...given.keys, ...refusal], given.keys, []].find((list) => list.length <= room) ?? [];
  const messages = await sealToConsumer(parts, agreement, first, payloads);
  // In a full mailbox nothing is given, but vouchers are still taken.
  const isGiven = payloads.length >= given.keys.length;
  parts.onEvent(said);
  await parts.eventsKept?.();
  keepStep(parts.state, agreement.id, {
    ...{ received: said.sequence, messages, newSamples: isGiven ? given.newSamples : [] },
    released: isGiven ? (given.released ?? released) : released,
  });
}
