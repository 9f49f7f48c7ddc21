import type { SignedCharter } from '../charter/charter.ts';
import type { Address } from '../ids.ts';
import type { GrantId } from './grants.ts';
import type { SignedTransaction, Update } from './ledger.ts';

/** An update and the grant that pays for it. */
export interface RelayedUpdate {
  readonly grant: GrantId;
  readonly update: Update;
}

/** Why ASC does not record an update: DISSC refuses it, or the grant does not pay for it. */
export type NotRelayed = 'refused' | 'too-little-fuel' | 'too-early' | 'over' | 'wrong-state' | 'wrong-dataset';

/** What one call of `relay` takes: charters that the chain does not have, and updates with the grants that pay for them. */
export interface RelayCall {
  readonly charters: readonly SignedCharter[];
  readonly updates: readonly RelayedUpdate[];
}

interface TransactionOptions {
  readonly nonce: number;
  readonly gas: bigint;
  readonly replaces?: SignedTransaction;
}

/**
 * ASC, written by the account of a CSS, which pays for the gas. What is prepared here is sent and followed like any other
 * transaction of that account: by its Recorder.
 */
export interface GrantRecorder {
  readonly account: Address;
  /** For each update null if it would be recorded and paid for now, all in one transaction; what that takes, and costs. */
  simulateRelay(
    call: RelayCall,
    signal?: AbortSignal,
  ): Promise<{ reasons: (NotRelayed | null)[]; gas: bigint; maxFeePerGasWei: bigint }>;
  /** Signs `relay(grants, charters, updates)`; with `replaces`, fees high enough to take that transaction's place. */
  prepareRelay(call: RelayCall, options: TransactionOptions, signal?: AbortSignal): Promise<SignedTransaction>;
  /** The gas it takes to accept a grant; null when ASC would refuse that now. */
  simulateAccept(grant: GrantId, signal?: AbortSignal): Promise<{ gas: bigint } | null>;
  /** Signs `accept(grant)`. */
  prepareAccept(grant: GrantId, options: TransactionOptions, signal?: AbortSignal): Promise<SignedTransaction>;
}
