import { to0x } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { DatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, NotRecordedError, StateError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { RecordCall } from '../../core/ports/ledger.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import { disscInterface, encodeRecord } from './dissc-interface.ts';
import { createDisscRecorder } from './dissc-recorder.ts';
import { encodeCall } from './encode-call.ts';
import { readFees } from './read-fees.ts';
import { type CallSenderOptions, createCallSender } from './send-call.ts';
import { asMined } from './wait-for-receipt.ts';

/** What a call would do now, and cost. */
export interface TriedRecord {
  /** Of each update, in their order. */
  readonly accepted: readonly boolean[];
  readonly gas: bigint;
  /** At the highest fee that is offered for it. */
  readonly maxCostWei: bigint;
}

/** What an owner does on DISSC. Each call waits until its transaction is mined. */
export interface DisscOwner {
  readonly account: Address;
  /**
   * Sends charters of this owner to the chain: as few transactions as it takes. Those of which the chain has a newer one or
   * these very ones change nothing, so it can be repeated.
   */
  recordCharters(charters: readonly SignedCharter[], signal?: AbortSignal): Promise<MinedTransaction[]>;
  /** Waits until nothing is under way that this account has sent before, or it is stuck and gives up its place to the next call. */
  settle(signal?: AbortSignal): Promise<void>;
  /** What `record` with this call would do, and what it takes. Nothing is sent. */
  tryRecord(call: RecordCall, signal?: AbortSignal): Promise<TriedRecord>;
  /** Sends charters and updates in one transaction: an update that is no news is refused alone, and changes nothing. */
  record(call: RecordCall, signal?: AbortSignal): Promise<MinedTransaction>;
  /** Ties blocks to storage's names of their objects (encrypted by the caller). */
  link(
    dataset: { readonly name: DatasetName; readonly kind: DatasetKind },
    range: { readonly first: number; readonly count: number },
    objects: Uint8Array,
    signal?: AbortSignal,
  ): Promise<MinedTransaction>;
}

export interface DisscOwnerOptions extends CallSenderOptions {
  readonly dissc: Address;
}

export function createDisscOwner(options: DisscOwnerOptions): DisscOwner {
  const { account } = options.signer;
  const sender = createCallSender(options);
  const contract = { name: 'DISSC', at: options.dissc, abi: disscInterface };
  const send = async (data: string, signal?: AbortSignal): Promise<MinedTransaction> =>
    asMined(await sender.inTurn((sendCall) => sendCall({ contract, data }), signal));

  async function recordCharters(charters: readonly SignedCharter[], signal?: AbortSignal): Promise<MinedTransaction[]> {
    if (charters.length === 0) return [];
    const other = charters.find(({ owner }) => owner !== account);
    if (other !== undefined) {
      throw new ArgumentError(
        `The charter belongs to owner ${other.owner}, but this account is ${account}. Use the owner's account.`,
      );
    }
    try {
      return [await send(encodeRecord({ charters, updates: [] }), signal)];
    } catch (cause) {
      if (charters.length === 1 || !mayBeTooLarge(cause)) throw cause;
      const half = Math.ceil(charters.length / 2);
      const sent = await recordCharters(charters.slice(0, half), signal);
      return [...sent, ...(await recordCharters(charters.slice(half), signal))];
    }
  }

  return {
    account,
    recordCharters,
    settle: (signal) => sender.settle(signal),

    async tryRecord(call, signal) {
      const { accepted, gas } = await createDisscRecorder(options).simulate(call, signal);
      const { maxFeePerGasWei } = await readFees(sender.rpc, undefined, signal);
      return { accepted, gas, maxCostWei: gas * maxFeePerGasWei };
    },

    record: (call, signal) => send(encodeRecord(call), signal),

    link({ name, kind }, { first, count }, objects, signal) {
      return send(encodeCall(contract, 'link', [to0x(name), kind, first, count, to0x(objects)]), signal);
    },
  };
}

/** Nothing was sent then: the node would not take a call as long as this, or one that needs as much gas. DISSC itself names a reason. */
function mayBeTooLarge(error: unknown): boolean {
  if (error instanceof ArgumentError) return error.details.reason === undefined;
  if (error instanceof StateError) return error.details.reason === 'none';
  return error instanceof NotRecordedError && error.details.refusal !== undefined && error.details.hash === undefined;
}
