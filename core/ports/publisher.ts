import type { Address, DatasetId, Nonce, Salt, SealedDigest } from '../ids.ts';
import type { MinedTransaction } from './mined-transaction.ts';

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

/** Publishes on DISSC, by one paying account; anybody may. Each call waits until its transaction is mined. */
export interface Publisher {
  readonly account: Address;
  publish(batch: BatchToPublish, signal?: AbortSignal): Promise<MinedTransaction>;
}
