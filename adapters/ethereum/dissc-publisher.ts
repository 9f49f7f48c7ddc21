import { concatBytes, to0x } from '../../core/bytes.ts';
import type { Address, DatasetId, Nonce, Salt, SealedDigest } from '../../core/ids.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import { disscInterface } from './dissc-interface.ts';
import { encodeCall } from './encode-call.ts';
import { type CallSenderOptions, createCallSender } from './send-call.ts';
import { asMined } from './wait-for-receipt.ts';

/** What of one batch goes to the chain when its dataset is published. */
export interface BatchToPublish {
  readonly dataset: DatasetId;
  /** Of the device that sealed it. */
  readonly serial: number;
  readonly first: number;
  readonly salt: Salt;
  /** Null when the dataset is not encrypted. */
  readonly nonce: Nonce | null;
  readonly sealed: readonly SealedDigest[];
}

/** Publishes on DISSC; anybody may. Each call waits until its transaction is mined. */
export interface DisscPublisher {
  readonly account: Address;
  publish(batch: BatchToPublish, signal?: AbortSignal): Promise<MinedTransaction>;
}

const NO_NONCE = new Uint8Array(16);

export function createDisscPublisher(options: CallSenderOptions & { readonly dissc: Address }): DisscPublisher {
  const sender = createCallSender(options);
  const contract = { name: 'DISSC', at: options.dissc, abi: disscInterface };
  return {
    account: sender.account,

    async publish({ dataset, serial, first, salt, nonce, sealed }, signal) {
      const values = [dataset, serial, first, to0x(salt), to0x(nonce ?? NO_NONCE), to0x(concatBytes(...sealed))];
      const data = encodeCall(contract, 'publish', values);
      return asMined(await sender.inTurn((send) => send({ contract, data }), signal));
    },
  };
}
