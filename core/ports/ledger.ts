import type { Address, BatchRoot, DatasetId, LogRoot, Salt, SealedDigest } from '../ids.ts';
import type { Head, HeadDomain } from '../log/head.ts';

/** A block of the chain: what an answer of the ledger is anchored at. */
export interface ChainPoint {
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly timestampMs: number;
}

/** `latest` may still be reorganised; money and deletion depend on `final` alone. */
export type Anchor = 'latest' | 'final';

export interface Parties {
  readonly owner: Address;
  readonly device: Address;
}

/** One accepted update, as DISSC logged it. */
export interface RecordedEvent {
  readonly dataset: DatasetId;
  /** The device account whose signature the update carried. */
  readonly signer: Address;
  readonly size: number;
  readonly batches: number;
  readonly root: LogRoot;
  readonly txHash: string;
  readonly blockNumber: number;
}

/**
 * DISSC, read. Every method throws LedgerUnavailableError when the chain cannot be read within its time, and
 * answers of one call all belong to the one chain point it returns.
 */
export interface Ledger {
  readonly domain: HeadDomain;
  /** Heads in the order asked for; size 0, batches 0 and a zero root for an empty or unknown dataset. */
  readHeads(
    datasets: readonly DatasetId[],
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; heads: Head[] }>;
  /** Owner and device of each dataset; null when it was never opened. */
  readParties(
    datasets: readonly DatasetId[],
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; parties: (Parties | null)[] }>;
  /** Recorded events of a dataset in blocks `fromBlock` … `toBlock`, oldest first. */
  findRecorded(dataset: DatasetId, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<RecordedEvent[]>;
}

/** ObjectIDs that the owner tied to consecutive blocks, sealed (core/block/linked-objects.ts). */
export interface LinkedEvent {
  readonly first: number;
  readonly count: number;
  readonly objects: Uint8Array;
  readonly txHash: string;
  readonly blockNumber: number;
}

/** DISSC's links, read. Throws LedgerUnavailableError like Ledger. */
export interface LinkReader {
  /** ObjectsLinked events of a dataset in blocks `fromBlock` … `toBlock`, oldest first. */
  findLinked(dataset: DatasetId, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<LinkedEvent[]>;
}

/** One batch of an update. */
export interface UpdateLeaf {
  readonly count: number;
  readonly salt: Salt;
  readonly batchRoot: BatchRoot;
  /** The sealed digests when the batch is published, null when it is rooted. */
  readonly sealed: readonly SealedDigest[] | null;
}

/** Consecutive batches of one dataset under the device's signature of the head after the last of them. */
export interface Update {
  readonly dataset: DatasetId;
  readonly leaves: readonly UpdateLeaf[];
  readonly signature: Uint8Array;
}

export interface SignedTransaction {
  readonly hash: string;
  readonly nonce: number;
  /** 0x-hex of the signed transaction; public once sent. */
  readonly raw: string;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

/** DISSC, written, by one paying account. No method waits for a block. */
export interface Recorder {
  readonly account: Address;
  /** Whether the chain would accept each update now, all in one transaction, and the gas that takes. */
  simulate(updates: readonly Update[], signal?: AbortSignal): Promise<{ accepted: boolean[]; gas: bigint }>;
  /** Signs `record(updates)`; with `replaces`, fees high enough to take that transaction's place. Sends nothing. */
  prepare(
    updates: readonly Update[],
    options: { nonce: number; gas: bigint; replaces?: SignedTransaction },
    signal?: AbortSignal,
  ): Promise<SignedTransaction>;
  /** Sends; a transaction the node already has is no error. */
  broadcast(transaction: SignedTransaction, signal?: AbortSignal): Promise<void>;
  /** Next nonce of the account at the latest and at the final block. */
  nonces(signal?: AbortSignal): Promise<{ latest: number; final: number }>;
  /** Where a transaction was mined, or null. */
  receipt(hash: string, signal?: AbortSignal): Promise<{ blockNumber: number; final: boolean; ok: boolean } | null>;
  balanceWei(signal?: AbortSignal): Promise<bigint>;
}
