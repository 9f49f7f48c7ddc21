import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { type KeyChannel, openKeyChannel } from '../../client/consumer/key-channel.ts';
import type { Purchase, PurchaseLog } from '../../client/consumer/open-purchase.ts';
import {
  newPurchase,
  type PurchaseState,
  type PurchaseStore,
  purchaseState,
} from '../../client/consumer/purchase-state.ts';
import { NO_GROWTH_REPORT } from '../../client/growth/growth-report.ts';
import { encodeKeyPayload, type KeyPayload } from '../../core/agreement/key-payload.ts';
import { decodeKeyRequest, encodeKeyRefusal } from '../../core/agreement/key-request.ts';
import type { SealedMessage } from '../../core/agreement/message.ts';
import { type BatchArchive, keysOfBlock, ownBatch } from '../../core/agreement/own-batch.ts';
import { isContentKeyDue } from '../../core/agreement/previews.ts';
import { admitBlocks, paidBlocks } from '../../core/agreement/quota.ts';
import {
  deriveEncryptionKeys,
  type EncryptionPrivateKey,
  openMessage,
  sealMessage,
} from '../../core/agreement/seal-message.ts';
import type { AgreementDomain, Terms } from '../../core/agreement/terms.ts';
import { recoverVoucherSigner, type Voucher } from '../../core/agreement/voucher.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { metaHash } from '../../core/block/meta.ts';
import { to0x } from '../../core/bytes.ts';
import { ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import {
  type Address,
  type AgreementId,
  address,
  type BlockIndex,
  NATIVE_COIN,
  type PrivateKey,
} from '../../core/ids.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { recordHash } from '../../core/log/record.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { AgreementService } from '../../core/ports/service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { MAX_MESSAGE_PAGE } from '../../core/wire/messages.ts';
import { DEVICE_KEY, headOf, WRITER } from '../core/honest-storage.ts';

const DOMAIN: AgreementDomain = { chainId: 31337, ocasc: address(`0x${'0c'.repeat(20)}`) };
const SIGNER_KEY = new Uint8Array(32).fill(3) as PrivateKey;
const AGENT_KEY = new Uint8Array(32).fill(4) as PrivateKey;

/** What an owner keeps of a batch, made from what was sealed. */
export function archiveOf(primitives: Primitives, { manifest }: SealedBatch): BatchArchive {
  const { dataset, first, salt, nonce } = manifest;
  const blocks = manifest.blocks.map(({ size, sha256, chunkRoot, meta }) => {
    return { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) };
  });
  return { dataset, first, salt, nonce, blocks };
}

/**
 * One sale with a mailbox in memory and an honest owner at its other end, who answers at once. Messages are sealed and
 * signed as anywhere; a test makes owner or mailbox hostile by its hooks.
 */
export class MemorySale implements AgreementService {
  readonly primitives: Primitives;
  readonly domain = DOMAIN;
  readonly purchase: Purchase;
  readonly log: PurchaseLog;
  readonly signerKey = SIGNER_KEY;
  readonly agentKey = AGENT_KEY;
  readonly mailbox: SealedMessage[] = [];
  /** What the service has stored. */
  readonly vouchers: Voucher[] = [];
  /** What the owner has been shown. */
  ownerDue: bigint;
  readonly samples = new Set<BlockIndex>();
  /** Keys that were sent, in order; a hostile owner changes them. */
  changeKeys: (payload: KeyPayload) => KeyPayload | null = (payload) => payload;
  /** What the mailbox shows of what it has. */
  show: (messages: readonly SealedMessage[]) => readonly SealedMessage[] = (messages) => messages;
  readonly #batches: readonly SealedBatch[];
  readonly #ownerKey: EncryptionPrivateKey;
  readonly #consumerKey: EncryptionPrivateKey;
  #next = 0;

  constructor(
    primitives: Primitives,
    batches: readonly SealedBatch[],
    purchase: Purchase,
    keys: { owner: EncryptionPrivateKey; consumer: EncryptionPrivateKey },
  ) {
    this.primitives = primitives;
    this.#batches = batches;
    this.#ownerKey = keys.owner;
    this.#consumerKey = keys.consumer;
    this.purchase = purchase;
    this.ownerDue = purchase.due;
    const head = headOf(primitives, batches);
    const point = { blockNumber: 9, blockHash: `0x${'bb'.repeat(32)}`, timestampMs: 1_790_000_000_000 };
    this.log = {
      log: head,
      head,
      anchor: { anchor: 'final', point, size: head.size, root: to0x(head.root) },
      signerOf: () => accountOfKey(DEVICE_KEY),
      recorded: [],
      disowned: [],
      growth: NO_GROWTH_REPORT,
    };
  }

  static async open(
    primitives: Primitives,
    batches: readonly SealedBatch[],
    terms: Partial<Terms> = {},
  ): Promise<MemorySale> {
    const [owner, consumer] = await Promise.all([
      deriveEncryptionKeys(new Uint8Array(32).fill(5)),
      deriveEncryptionKeys(new Uint8Array(32).fill(6)),
    ]);
    const { dataset, size, root } = headOf(primitives, batches);
    const all: Terms = {
      dataset,
      first: 0,
      count: size,
      token: NATIVE_COIN,
      price: 1000n,
      fee: 100n,
      bond: 500n,
      stakeWei: 7n,
      maxChallenges: 2,
      maxDemands: 2,
      samples: 4,
      previews: 0,
      windowSeconds: 5,
      durationSeconds: 600,
      acceptBySeconds: 2n ** 40n,
      consumer: NATIVE_COIN as Address,
      ...terms,
    };
    const signer = accountOfKey(SIGNER_KEY);
    const purchase: Purchase = {
      ...{ id: `0x${'a9'.repeat(32)}` as AgreementId, terms: all, root, size, state: 'active' },
      kind: batches[0]?.manifest.nonce === null ? PLAIN : ENCRYPTED,
      ...{
        owner: address(`0x${'01'.repeat(20)}`),
        agent: accountOfKey(AGENT_KEY),
        ownerEncryptionKey: owner.publicKey,
      },
      buyer: {
        consumer: address(`0x${'02'.repeat(20)}`),
        signer,
        encryptionKey: consumer.publicKey,
        endSeconds: 2 ** 40,
      },
      ...{ due: all.fee, challenges: 0, demands: 0, question: null },
    };
    return new MemorySale(primitives, batches, purchase, { owner: owner.privateKey, consumer: consumer.privateKey });
  }

  channel(
    store: PurchaseStore,
    patienceMs = 30,
    runtime: Runtime = nodeRuntime,
  ): { channel: KeyChannel; distrusted: string[] } {
    const distrusted: string[] = [];
    const channel = openKeyChannel({
      runtime,
      ...{ service: this, domain: this.domain, purchase: this.purchase, store, patienceMs, pollMs: 5 },
      ...{ signerKey: this.signerKey, encryptionKey: this.#consumerKey },
      onDistrusted: (reason) => void distrusted.push(reason),
    });
    return { channel, distrusted };
  }

  async storeVoucher(voucher: Voucher, signature: Uint8Array): Promise<bigint> {
    if (recoverVoucherSigner(this.domain, voucher, signature) !== this.purchase.buyer.signer) throw new Error('Whose?');
    this.vouchers.push(voucher);
    return voucher.due;
  }

  async getVoucher(): Promise<null> {
    return null;
  }

  async postMessage(message: SealedMessage): Promise<void> {
    this.mailbox.push(message);
    await this.#answer(message);
  }

  async listMessages(_: AgreementId, query: { from: Address; sequence?: number }) {
    const { from, sequence = 0 } = query;
    const messages = this.show(this.mailbox.filter((one) => one.from === from))
      .filter((one) => one.sequence >= sequence)
      .slice(0, MAX_MESSAGE_PAGE);
    return { messages, next: null };
  }

  /** Seals a message of the owner's and lays it into the mailbox. */
  async say(plaintext: Uint8Array, change: Partial<SealedMessage> = {}): Promise<void> {
    const { id, agent, buyer } = this.purchase;
    const header = { agreement: id, from: agent, to: buyer.signer, sequence: this.#next++ };
    const sealed = await sealMessage(this.domain, header, buyer.encryptionKey, this.agentKey, plaintext);
    this.mailbox.push({ ...sealed, ...change });
  }

  async #answer(message: SealedMessage): Promise<void> {
    const { terms } = this.purchase;
    const request = decodeKeyRequest(await openMessage(this.domain, message, this.#ownerKey));
    const before = paidBlocks(terms, this.ownerDue);
    if (request.voucher !== null && request.voucher.due > this.ownerDue) this.ownerDue = request.voucher.due;
    const paid = paidBlocks(terms, this.ownerDue);
    const { admitted, newSamples, refused } = admitBlocks(
      { terms, due: this.ownerDue, sampled: this.samples },
      request.blocks,
    );
    for (const index of newSamples) this.samples.add(index);
    const released = Array.from({ length: paid - before }, (_, i) => terms.first + before + i);
    const wanted = [...new Set([...admitted, ...released])].sort((a, b) => a - b);
    const payload = wanted.length === 0 ? null : this.changeKeys(await this.keysOf(wanted));
    if (payload !== null) await this.say(encodeKeyPayload(payload));
    if (refused.length > 0) await this.say(encodeKeyRefusal({ blocks: refused, reason: 'beyond the samples' }));
  }

  /** Keys of blocks as their owner gives them now: content keys of what is paid for, and of previews. */
  async keysOf(indices: readonly BlockIndex[]): Promise<KeyPayload> {
    const { terms } = this.purchase;
    const paidEnd = terms.first + paidBlocks(terms, this.ownerDue);
    const allowance = { terms, due: this.ownerDue, sampled: [...this.samples] };
    const owned = this.#batches.map((batch) =>
      ownBatch(this.primitives, WRITER.datasetKey, archiveOf(this.primitives, batch)),
    );
    const asked = owned.flatMap((batch) => {
      const count = batch.blocks.length;
      const inside = indices.filter((index) => index >= batch.first && index < batch.first + count);
      const key = batch.first + count <= paidEnd ? batch.contentBatchKey : null;
      const blocks = inside.map((index) => {
        return keysOfBlock(batch, index, key === null && isContentKeyDue(allowance, index));
      });
      const batches = key === null || inside.length === 0 ? [] : [{ first: batch.first, count, key }];
      return [{ blocks, batches }];
    });
    const leaves = owned.flatMap(({ blocks }) => blocks.map(({ record }) => recordHash(this.primitives, record)));
    const log = { hasher: this.primitives, subtrees: subtreesOfLeaves(this.primitives, leaves) };
    return {
      blocks: asked.flatMap(({ blocks }) => blocks),
      batches: asked.flatMap(({ batches }) => batches),
      proof: await multiproof(log, indices, leaves.length),
    };
  }
}

/** A purchase's state in memory; what is saved must be what the file would take. */
export function memoryStore(agreement: AgreementId): PurchaseStore {
  let state: PurchaseState = newPurchase(agreement);
  return {
    get state() {
      return state;
    },
    async save(change) {
      state = { ...state, ...change };
      const text = JSON.stringify(state, (_, value) => (typeof value === 'bigint' ? String(value) : value));
      purchaseState.parse(JSON.parse(text));
    },
  };
}
