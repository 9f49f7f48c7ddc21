import { ENCRYPTED } from '../../core/charter/kind.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import type { BlockIndex, ContentKey } from '../../core/ids.ts';
import type { CssN, Fault, RecordSource } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { BrokenAnswer } from '../../core/protocols/challenge-storage.ts';
import { type DeliveredBlock, retrieveBlock } from '../../core/protocols/consumer-css-n.ts';
import { verdictOn, verdictOnFault } from '../../core/protocols/judge-block.ts';
import type { ReceivedKeys } from '../../core/protocols/judge-with-keys.ts';
import { type FoundRecords, proveRecords } from '../../core/protocols/prove-records.ts';
import type { SignerOf } from '../../core/protocols/signers.ts';
import type { Verdict } from '../../core/verdict.ts';
import { hasContentKey, judgeDelivered } from './judge-delivered.ts';
import type { KeyChannel } from './key-channel.ts';
import type { Purchase, PurchaseLog } from './open-purchase.ts';
import {
  highestDue,
  type PaymentDeps,
  payFor,
  requireMessagesFor,
  showVoucher,
  signedVoucher,
  stepOf,
} from './pay-ahead.ts';
import type { VerifiedBlock } from './verified-block.ts';

export interface DeliveryDeps extends PaymentDeps {
  readonly primitives: Primitives;
  /** Asked under the agreement. */
  readonly service: CssN & RecordSource & PaymentDeps['service'];
  readonly channel: KeyChannel;
  /** Content keys that the owner has shown on the chain on demand. Called only for keys that did not come by message. */
  readShownKeys(signal?: AbortSignal): Promise<ReadonlyMap<BlockIndex, ContentKey>>;
}

export interface Delivery {
  readonly purchase: Purchase;
  readonly log: PurchaseLog;
  /** The most blocks to pay for before they are verified: what is at risk. */
  readonly ahead: number;
}

/** How far a delivery has come. */
export interface DeliveryProgress {
  readonly verified: number;
  readonly count: number;
  /** What the highest voucher says, in units of the token. */
  readonly due: bigint;
}

/** Where a delivery ended. `stopped` is the first block that did not verify: nothing after it is paid for. */
export interface Delivered extends DeliveryProgress {
  readonly stopped: Verdict | null;
  /**
   * Blocks opened by a key that was shown on the chain, without their block keys: they decrypt under the key that their record
   * commits to, but nothing shows that they are the bytes that were recorded.
   */
  readonly unproven: readonly BlockIndex[];
}

/** Where verified blocks go, in order. */
export interface DeliverySink {
  append(block: VerifiedBlock): Promise<void>;
  /** Returns when everything appended is durable. It then counts as verified, and is not fetched again. */
  sync(): Promise<void>;
}

const PARALLEL_BLOCKS = 4;
/** Blocks held in memory at a time, of a step that may be much longer. */
const WINDOW_BLOCKS = 32;

/**
 * Delivery against vouchers (specification#delivery): pays for the next few blocks, fetches them and their keys, verifies and
 * decrypts them, and hands them on. It pays for more only if all of them are as recorded and their content keys are the
 * committed ones. It begins with one block, so an owner who sends wrong keys, or none, is paid for no more than that.
 * @throws StateError in the agreement's last window, when more would have to be signed for
 *
 * @example
 * import { readShownKeys } from 'plumbline/client/consumer/read-shown-keys';
 * import { stageDelivery } from 'plumbline/client/consumer/stage-delivery';
 * const staged = await stageDelivery(`${folder}/blocks`, purchaseStore.state.verified);
 * const deps = {
 *   ...{ primitives, service: consumerService, channel, store: purchaseStore, domain: market.domain, signerKey },
 *   readNowSeconds: async () => Math.floor(Date.now() / 1000),
 *   readShownKeys: (signal?: AbortSignal) => readShownKeys(market, purchase.id, fromBlock, signal),
 * };
 * const { verified, stopped } = await deliverPurchase(deps, { purchase, log: purchaseLog, ahead: 2 }, staged);
 * await staged.close();
 * console.log(verified, stopped); // 4 null
 */
export async function deliverPurchase(
  deps: DeliveryDeps,
  delivery: Delivery,
  sink: DeliverySink,
  onProgress: (progress: DeliveryProgress) => void = () => {},
  signal?: AbortSignal,
): Promise<Delivered> {
  const { store } = deps;
  const { purchase } = delivery;
  const progress = (): DeliveryProgress => ({
    verified: store.state.verified,
    count: purchase.terms.count,
    due: highestDue(purchase, store),
  });
  requireMessagesFor(delivery, store);
  // A former run may have ended between signing and showing.
  await showVoucher(deps, purchase, signal);
  for (let isFirst = true; store.state.verified < purchase.terms.count; isFirst = false) {
    signal?.throwIfAborted();
    onProgress(progress());
    const from = store.state.verified;
    const to = Math.min(purchase.terms.count, from + stepOf(delivery, from));
    const places = Array.from({ length: to - from }, (_, i) => purchase.terms.first + from + i);
    const isNew = await payFor(deps, purchase, to, signal);
    // A voucher releases the keys of what it pays for, but for samples, which were sent before. Without a new one, and
    // after a crash, all are asked for by name.
    const sampled = new Set(store.state.sampled);
    const named = isNew && !isFirst ? places.filter((index) => sampled.has(index)) : places;
    await deps.channel.send({ blocks: named, voucher: signedVoucher(deps, purchase) }, signal);
    for (let at = 0; at < places.length; at += WINDOW_BLOCKS) {
      const window = places.slice(at, at + WINDOW_BLOCKS);
      const { taken, stopped, unproven } = await deliverWindow(deps, delivery, window, sink, signal);
      await sink.sync();
      await store.save({ verified: from + at + taken, unproven: [...store.state.unproven, ...unproven] });
      if (stopped !== null) return { ...progress(), stopped, unproven: store.state.unproven };
      onProgress(progress());
    }
  }
  return { ...progress(), stopped: null, unproven: store.state.unproven };
}

/** Fetches some paid blocks and their keys, up to the first block that is not as recorded. */
async function deliverWindow(
  deps: DeliveryDeps,
  { purchase, log }: Delivery,
  indices: readonly BlockIndex[],
  sink: DeliverySink,
  signal?: AbortSignal,
): Promise<{ taken: number; stopped: Verdict | null; unproven: readonly BlockIndex[] }> {
  const consumer = { primitives: deps.primitives, log: log.log, signerOf: log.signerOf, css: deps.service };
  const found = await proveRecords({ hasher: deps.primitives, records: deps.service }, [log.log], indices, signal);
  const records = new Map(found.proven.map((record) => [record.index, record]));
  const blocks = new Map<number, DeliveredBlock | BrokenAnswer | Fault>();
  await eachInParallel(found.proven, PARALLEL_BLOCKS, async ({ index }) => {
    blocks.set(index, await retrieveBlock(consumer, index, signal));
  });
  const keys = await receiveKeys(deps, indices, signal);
  const isLacking =
    purchase.kind === ENCRYPTED && indices.some((index) => !hasContentKey(deps.primitives, keys, index));
  const shown = isLacking ? await deps.readShownKeys(signal) : null;
  const unproven: BlockIndex[] = [];
  for (const [taken, index] of indices.entries()) {
    const record = records.get(index);
    if (record === undefined) return { taken, stopped: missingRecord(found, index, log.signerOf), unproven };
    const delivered = blocks.get(index) as DeliveredBlock | BrokenAnswer | Fault;
    const judged = judgeDelivered(consumer, record, delivered, keys, shown?.get(index) ?? null);
    if ('verdict' in judged) return { taken, stopped: judged, unproven };
    if (!judged.isProven) unproven.push(index);
    await sink.append(judged.block);
  }
  return { taken: indices.length, stopped: null, unproven };
}

async function receiveKeys(
  { channel }: DeliveryDeps,
  indices: readonly BlockIndex[],
  signal?: AbortSignal,
): Promise<ReceivedKeys> {
  const received = await channel.receive(indices, signal);
  const got = new Set(received.payloads.flatMap(({ blocks }) => blocks.map(({ index }) => index)));
  const missing = indices.filter((index) => !got.has(index));
  if (missing.length === 0 || missing.length === indices.length) return received;
  // A message may have been withheld: once more, by name.
  await channel.send({ blocks: missing, voucher: null }, signal);
  const again = await channel.receive(missing, signal);
  return {
    payloads: [...received.payloads, ...again.payloads],
    refusals: [...received.refusals, ...again.refusals],
  };
}

function missingRecord(found: FoundRecords, index: BlockIndex, signerOf: SignerOf): Verdict {
  const fault = found.faults.find((one) => one.index === index);
  if (fault !== undefined) return verdictOnFault('retrieved', fault, signerOf(index));
  const reason = found.broken.find((one) => one.index === index)?.reason ?? 'The storage returned no record.';
  return verdictOn({ record: { index }, evidence: 'retrieved', signer: signerOf(index) }, 'corrupted', reason);
}
