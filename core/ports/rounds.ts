import type { Address, RoundBody, RoundRoot } from '../ids.ts';
import type { AnchoredRound } from '../rounds/rebuild-rounds.ts';
import type { Anchor, ChainPoint, SignedTransaction } from './ledger.ts';

/** One round, as DISSC logged it. */
export interface RoundEvent extends AnchoredRound {
  readonly body: RoundBody;
  /** Of its chain block, seconds since 1970: a part of the round. */
  readonly timeSeconds: number;
  readonly blockNumber: number;
  readonly txHash: string;
}

/** DISSC's rounds, read. Every method throws LedgerUnavailableError when the chain cannot be read within its time. */
export interface RoundReader {
  /** The newest round of an anchorer; null before the first. */
  readRound(
    anchorer: Address,
    anchor: Anchor,
    signal?: AbortSignal,
  ): Promise<{ readonly point: ChainPoint; readonly round: RoundRoot | null }>;
  /** Rounds of an anchorer in blocks `fromBlock` … `toBlock`, oldest first. */
  findRounds(anchorer: Address, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<RoundEvent[]>;
  /** The chain block of a round that a transaction is said to have anchored; null when it has not. */
  findBlock(
    round: { readonly anchorer: Address; readonly root: RoundRoot; readonly txHash: string },
    signal?: AbortSignal,
  ): Promise<number | null>;
}

/** That a round is in the chain, and where. */
export interface RoundMark extends AnchoredRound {
  readonly blockNumber: number;
}

/** An anchorer's rounds by DISSC's events alone, without the times of their blocks. */
export interface RoundScanner {
  /** Rounds of an anchorer in blocks `fromBlock` … `toBlock`, oldest first. @throws LedgerUnavailableError */
  findAnchored(anchorer: Address, fromBlock: number, toBlock: number, signal?: AbortSignal): Promise<RoundMark[]>;
}

/** What one call of `anchor` takes. */
export interface RoundCall {
  readonly previous: RoundRoot;
  readonly body: RoundBody;
}

/** Rounds, written by the account that pays for them. What is prepared here is sent and followed by its Recorder. */
export interface RoundRecorder {
  readonly account: Address;
  /** The gas it takes; null when DISSC would refuse it now, as `previous` is not the account's newest round. */
  simulateRound(call: RoundCall, signal?: AbortSignal): Promise<{ gas: bigint } | null>;
  /** Signs `anchor(previous, body)`; with `replaces`, fees high enough to take that transaction's place. */
  prepareRound(
    call: RoundCall,
    options: { readonly nonce: number; readonly gas: bigint; readonly replaces?: SignedTransaction },
    signal?: AbortSignal,
  ): Promise<SignedTransaction>;
}
