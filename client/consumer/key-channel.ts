import { type BlockKeys, decodeKeyPayload, type KeyPayload } from '../../core/agreement/key-payload.ts';
import {
  decodeKeyRefusal,
  encodeKeyRequest,
  type KeyRefusal,
  type KeyRequest,
} from '../../core/agreement/key-request.ts';
import { MAX_MESSAGES, requireMessageSigner, type SealedMessage } from '../../core/agreement/message.ts';
import { type EncryptionPrivateKey, openMessage, sealMessage } from '../../core/agreement/seal-message.ts';
import { SequenceGuard } from '../../core/agreement/sequence-guard.ts';
import type { AgreementDomain } from '../../core/agreement/terms.ts';
import { PlumblineError, RequestRefusedError, StateError } from '../../core/errors.ts';
import type { BlockIndex, PrivateKey } from '../../core/ids.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { AgreementService } from '../../core/ports/service.ts';
import type { ReceivedKeys, RequestKeys } from '../../core/protocols/judge-with-keys.ts';
import type { Purchase } from './open-purchase.ts';
import type { PurchaseStore } from './purchase-state.ts';

/** A consumer's end of the mailbox of one agreement. */
export interface KeyChannelOptions {
  readonly runtime: Runtime;
  readonly service: AgreementService;
  readonly domain: AgreementDomain;
  readonly purchase: Purchase;
  readonly store: PurchaseStore;
  /** Of the agreement's signer. */
  readonly signerKey: PrivateKey;
  readonly encryptionKey: EncryptionPrivateKey;
  /** How long the owner is waited for. */
  readonly patienceMs: number;
  readonly pollMs: number;
  /** Told of messages that are not believed: forged, repeated, or not to be read. */
  readonly onDistrusted?: (reason: string) => void;
}

export interface KeyChannel {
  /** Sends a request and does not wait for its answer. */
  send(request: KeyRequest, signal?: AbortSignal): Promise<void>;
  /** Waits until there are keys or refusals for all of these blocks, or the owner's time is over. */
  receive(blocks: readonly BlockIndex[], signal?: AbortSignal): Promise<ReceivedKeys>;
  /** Both, for the sampled blocks of an audit. */
  readonly requestKeys: RequestKeys;
}

/** Keys of a block and the message's other keys, as they came. */
interface Kept {
  readonly payload: KeyPayload;
  readonly block: BlockKeys;
}

/** Blocks whose keys are held until they are asked for; an owner who sends more sends them in vain. */
const MAX_KEPT = 16_384;
const MAX_ATTEMPTS = 5;

/**
 * Opens the mailbox. What was read before is not read again: keys of an earlier run are asked for anew.
 *
 * @example
 * const deps = { runtime, service: consumerService, domain: market.domain, purchase, store: purchaseStore };
 * const mailbox = openKeyChannel({ ...deps, signerKey, encryptionKey, patienceMs: 60_000, pollMs: 250 });
 * await mailbox.send({ blocks: [0], voucher: null });
 * const { payloads, refusals } = await mailbox.receive([0]);
 * console.log(payloads[0]?.blocks.some(({ index }) => index === 0), refusals.length); // true 0
 */
export function openKeyChannel(options: KeyChannelOptions): KeyChannel {
  const { runtime, service, domain, purchase, store, patienceMs, pollMs } = options;
  const { id, agent, buyer } = purchase;
  const guard = new SequenceGuard();
  const keys = new Map<BlockIndex, Kept>();
  const refused = new Map<BlockIndex, string>();

  async function send(request: KeyRequest, signal?: AbortSignal): Promise<void> {
    const plaintext = encodeKeyRequest(request);
    for (let attempt = 1; ; attempt++) {
      const sequence = store.state.nextSequence;
      if (sequence >= MAX_MESSAGES) {
        throw new StateError(`All ${MAX_MESSAGES} messages of agreement ${id} are used up.`);
      }
      const header = { agreement: id, from: buyer.signer, to: agent, sequence };
      const message = await sealMessage(domain, header, purchase.ownerEncryptionKey, options.signerKey, plaintext);
      // Before it is sent: no number is ever used for two messages.
      await store.save({ nextSequence: sequence + 1 });
      try {
        return await service.postMessage(message, signal);
      } catch (error) {
        const isTaken = error instanceof RequestRefusedError && error.status === 409;
        if (!isTaken || attempt >= MAX_ATTEMPTS) throw error;
        // The state is older than the mailbox.
        await store.save({ nextSequence: await endOfMine(signal) });
      }
    }
  }

  async function endOfMine(signal?: AbortSignal): Promise<number> {
    let next: number | null = store.state.nextSequence;
    let end = next;
    while (next !== null) {
      const page = await service.listMessages(id, { from: buyer.signer, sequence: next }, signal);
      for (const message of page.messages) if (isMine(message)) end = Math.max(end, message.sequence + 1);
      next = page.next === null || page.next <= next ? null : page.next;
    }
    return end;
  }

  /** Whether the signer did use that number: a mailbox that makes messages up could else use up all of them. */
  function isMine(message: SealedMessage): boolean {
    try {
      requireMessageSigner(domain, { ...message, agreement: id, from: buyer.signer });
      return true;
    } catch (error) {
      if (!(error instanceof PlumblineError)) throw error;
      options.onDistrusted?.(`Message ${message.sequence}: ${error.shortMessage}`);
      return false;
    }
  }

  /** Reads what is new. True when something was. */
  async function readNew(signal?: AbortSignal): Promise<boolean> {
    const from = store.state.readUpTo;
    // The owner has used up all numbers: nothing can come.
    if (from >= MAX_MESSAGES) return false;
    const page = await service.listMessages(id, { from: agent, sequence: from }, signal);
    let readUpTo = from;
    // In whatever order the mailbox shows them.
    for (const message of [...page.messages].sort((a, b) => a.sequence - b.sequence)) {
      if (message.sequence < from) continue;
      if (await take(message)) readUpTo = Math.max(readUpTo, message.sequence + 1);
    }
    if (readUpTo > from) await store.save({ readUpTo });
    return readUpTo > from;
  }

  /** Whether the message was the agent's; what it says is then dealt with. */
  async function take(message: SealedMessage): Promise<boolean> {
    const distrust = (error: unknown): void => {
      if (!(error instanceof PlumblineError)) throw error;
      options.onDistrusted?.(`Message ${message.sequence}: ${error.shortMessage}`);
    };
    let plaintext: Uint8Array;
    try {
      const forMe = { ...message, agreement: id, from: agent, to: buyer.signer };
      plaintext = await openMessage(domain, forMe, options.encryptionKey);
      guard.take(forMe);
    } catch (error) {
      distrust(error);
      return false;
    }
    try {
      const refusal = decodeKeyRefusal(plaintext);
      if (refusal === null) keep(decodeKeyPayload(plaintext));
      else for (const block of refusal.blocks.slice(0, MAX_KEPT - refused.size)) refused.set(block, refusal.reason);
    } catch (error) {
      distrust(error);
    }
    return true;
  }

  function keep(payload: KeyPayload): void {
    for (const block of payload.blocks) {
      if (keys.size >= MAX_KEPT && !keys.has(block.index)) return;
      keys.set(block.index, { payload, block });
      refused.delete(block.index);
    }
  }

  function collect(blocks: readonly BlockIndex[]): ReceivedKeys {
    const payloads = new Map<KeyPayload, BlockKeys[]>();
    const reasons = new Map<string, BlockIndex[]>();
    for (const index of blocks) {
      const kept = keys.get(index);
      const reason = refused.get(index);
      if (kept !== undefined) payloads.set(kept.payload, [...(payloads.get(kept.payload) ?? []), kept.block]);
      else if (reason !== undefined) reasons.set(reason, [...(reasons.get(reason) ?? []), index]);
      keys.delete(index);
      refused.delete(index);
    }
    return {
      payloads: [...payloads].map(([payload, kept]) => ({ ...payload, blocks: kept })),
      refusals: [...reasons].map(([reason, of]): KeyRefusal => ({ blocks: of, reason })),
    };
  }

  async function receive(blocks: readonly BlockIndex[], signal?: AbortSignal): Promise<ReceivedKeys> {
    const untilMs = runtime.monotonicMs() + patienceMs;
    const isMissing = () => blocks.some((index) => !keys.has(index) && !refused.has(index));
    while (isMissing()) {
      const isNew = await readNew(signal);
      if (!isMissing() || (!isNew && runtime.monotonicMs() >= untilMs)) break;
      if (!isNew) await runtime.sleep(pollMs, signal);
    }
    return collect(blocks);
  }

  return {
    send,
    receive,
    async requestKeys(blocks, signal) {
      await send({ blocks: [...blocks].sort((a, b) => a - b), voucher: null }, signal);
      return receive(blocks, signal);
    },
  };
}
