import type { BlockHeader } from '../chain-proof/block-header.ts';
import type { DisscDataset } from '../chain-proof/dissc-state.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import type { Address, DatasetId, RoundBody, RoundRoot } from '../ids.ts';
import type { ChainCharter, RecordedEvent } from './ledger.ts';

/** A node that says something else than the others, or what cannot be. */
export interface Dissent {
  readonly host: string;
  readonly about: string;
  readonly said: string;
}

/** A round as DISSC logged it. */
export interface LoggedRound {
  readonly anchorer: Address;
  readonly round: RoundRoot;
  readonly previous: RoundRoot;
  readonly body: RoundBody;
}

/** What DISSC logged in one block. */
export interface DisscLogs {
  readonly recorded: readonly Pick<RecordedEvent, 'dataset' | 'size' | 'root' | 'signer'>[];
  readonly rounds: readonly LoggedRound[];
  readonly charters: readonly Pick<ChainCharter, 'dataset' | 'charter'>[];
}

/**
 * DISSC through one or more nodes of which none is believed alone: blocks are those on which enough of them agree, with hashes
 * computed here; slots and receipts are proven against these. Every method throws LedgerUnavailableError where the nodes do not
 * agree or answer too little; whoever says otherwise stands in `dissent`.
 */
export interface ChainWitness {
  readonly domain: DisscDomain;
  /** All nodes that are asked, by host, and how many have to agree. */
  readonly hosts: readonly string[];
  readonly agree: number;
  /** So far. */
  readonly dissent: readonly Dissent[];
  /** The newest block that is final for as many nodes. */
  readNewest(signal?: AbortSignal): Promise<BlockHeader>;
  /** Null where as many nodes have no such block. */
  readBlock(number: number, signal?: AbortSignal): Promise<BlockHeader | null>;
  /** By a state proof. */
  readDataset(block: BlockHeader, dataset: DatasetId, signal?: AbortSignal): Promise<DisscDataset>;
  /** By a state proof; 32 zero bytes before the first. */
  readRound(block: BlockHeader, anchorer: Address, signal?: AbortSignal): Promise<RoundRoot>;
  /**
   * What DISSC logged in a transaction of a block: by all receipts of the block, whose root is in its header (which of them is this
   * transaction's is the node's word); where no node shows these in a form known here, what as many nodes agree on.
   */
  readLogs(
    block: BlockHeader,
    txHash: Uint8Array,
    signal?: AbortSignal,
  ): Promise<{ readonly logs: DisscLogs; readonly by: 'receipts' | 'nodes' }>;
  /** Oldest first, from whichever node has most of them: they prove themselves by what they lead to. */
  findRecorded(dataset: DatasetId, toBlock: number, signal?: AbortSignal): Promise<RecordedEvent[]>;
  /** All that any node shows: to leave one out, all of them have to. */
  findChartered(dataset: DatasetId, toBlock: number, signal?: AbortSignal): Promise<ChainCharter[]>;
}
