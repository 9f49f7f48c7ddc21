import type { PublishedBatch } from '../batch/published-batch.ts';
import type { SignedCharter } from '../charter/charter.ts';
import type { ChainPlace, CharteredEvent } from '../charter/charters-in-force.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import type { Address, DatasetId, LogRoot } from '../ids.ts';
import type { Growth } from '../log/growth.ts';
import type { Head } from '../log/head.ts';
import type { RecordedGrowth } from '../log/rebuild-peaks.ts';

/** A block of the chain: what an answer of the ledger is anchored at. */
export interface ChainPoint {
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly timestampMs: number;
}

/** `latest` may still be reorganised; money and deletion depend on `final` alone. */
export type Anchor = 'latest' | 'final';

/** Who signs a dataset's heads, by the newest charter on the chain. */
export interface ChainDevice {
  readonly device: Address;
  /** Of that charter. */
  readonly serial: number;
}

/** One accepted update, as DISSC logged it. */
export interface RecordedEvent extends RecordedGrowth, ChainPlace {
  readonly dataset: DatasetId;
  /** The device account whose signature the update carried. */
  readonly signer: Address;
  readonly txHash: string;
}

/** A charter that DISSC has accepted. Its signature is not in the event: null. */
export interface ChainCharter extends CharteredEvent {
  readonly dataset: DatasetId;
  readonly txHash: string;
}

/**
 * DISSC, read. Every method throws LedgerUnavailableError when the chain cannot be read within its time, and
 * answers of one call all belong to the one chain point it returns.
 */
export interface Ledger {
  readonly domain: DisscDomain;
  /** Heads in the order asked for; size 0 and a zero root for an empty or unknown dataset. */
  readHeads(
    datasets: readonly DatasetId[],
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; heads: Head[] }>;
  /** The device of each dataset; null where no charter was ever sent to the chain. */
  readDevices(
    datasets: readonly DatasetId[],
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ point: ChainPoint; devices: (ChainDevice | null)[] }>;
  /** Recorded events of a dataset in blocks `fromBlock` … `toBlock`, oldest first. */
  findRecorded(dataset: DatasetId, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<RecordedEvent[]>;
  /** Chartered events of a dataset, or of all datasets of an owner, in blocks `fromBlock` … `toBlock`, oldest first. */
  findChartered(
    query: { readonly dataset: DatasetId } | { readonly owner: Address },
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<ChainCharter[]>;
}

/** DISSC's events of all datasets at once, for whoever has many to look for. Throws LedgerUnavailableError like Ledger. */
export interface EventScanner {
  /** Recorded events in blocks `fromBlock` … `toBlock`, oldest first. */
  findAllRecorded(fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<RecordedEvent[]>;
  /** Chartered events in blocks `fromBlock` … `toBlock`, oldest first. */
  findAllChartered(fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<ChainCharter[]>;
}

/** DISSC's events of some datasets at once. Throws LedgerUnavailableError like Ledger. */
export interface RecordedReader {
  /** Recorded events of these datasets in blocks `fromBlock` … `toBlock`, oldest first for each: few requests for many. */
  findRecordedOf(
    datasets: readonly DatasetId[],
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<RecordedEvent[]>;
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

/** The sealed digests of one batch, as somebody published them: they count once the records made of them lead to a head. */
export interface PublishedEvent extends PublishedBatch, ChainPlace {
  readonly dataset: DatasetId;
  /** Of the device that sealed the batch, by its publisher's word. */
  readonly serial: number;
  readonly sender: Address;
  readonly txHash: string;
}

/** What was published on DISSC, read. Throws LedgerUnavailableError like Ledger. */
export interface PublishedReader {
  /** Published events of a dataset in blocks `fromBlock` … `toBlock`, oldest first. */
  findPublished(
    dataset: DatasetId,
    fromBlock: number,
    toBlock: number,
    signal?: AbortSignal,
  ): Promise<PublishedEvent[]>;
}

/** A dataset's new head under its device's signature, and how the log has grown to it. */
export interface Update extends Pick<Growth, 'peaks' | 'appended'> {
  readonly dataset: DatasetId;
  readonly size: number;
  readonly root: LogRoot;
  /** The device's, of the new head. */
  readonly signature: Uint8Array;
}

/** What one call of `record` takes. */
export interface RecordCall {
  /** Charters that the chain does not have yet; those that it has are skipped. Each carries its owner's signature. */
  readonly charters: readonly SignedCharter[];
  readonly updates: readonly Update[];
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
  /** Whether the chain would accept each update now, all in one transaction behind the charters, and the gas that takes. */
  simulate(call: RecordCall, signal?: AbortSignal): Promise<{ accepted: boolean[]; gas: bigint }>;
  /** Signs `record(charters, updates)`; with `replaces`, fees high enough to take that transaction's place. Sends nothing. */
  prepare(
    call: RecordCall,
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
