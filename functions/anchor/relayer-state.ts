import { fromHex, to0x } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { Table, WriteCondition } from '../../core/ports/table.ts';
import { RELAYER_STATE_SK, relayerPk, transactionSk } from '../state/entries.ts';
import { stateItem, transactionItem } from './relayer-items.ts';

/*
 * All that the relayer knows of its transactions is one item, STATE, written only in the version that was read: of runs at
 * the same time one gets through, the others begin again. A transaction is stored (TX#) before the STATE that counts it,
 * and sent after that: whatever is in STATE can be sent again, and what is not was never sent.
 *
 * Nonces follow from STATE and the chain alone, so nothing is lost when the account is used elsewhere or a reorganisation
 * takes transactions back.
 */

/** One nonce, with every transaction that was made for it: any of them may be the one that is mined. */
export interface OpenNonce {
  readonly nonce: number;
  /** Oldest first. */
  readonly hashes: readonly string[];
  /** When the newest was made. */
  readonly preparedAtMs: number;
}

export interface RelayerState {
  /** Condition of the next write. */
  readonly condition: WriteCondition;
  /** Nonces whose transaction is not final yet, in order. */
  readonly open: readonly OpenNonce[];
  /** Since when the account has had too little ether, as far as is known; null when it has enough. */
  readonly outOfFundsSinceMs: number | null;
  /** Updates that one transaction may have, where the node has refused one with more; null: it takes what it estimates. */
  readonly atMost: number | null;
}

/** What a stored transaction does: the sizes, in blocks, that its updates lead to, the grant that it accepts, or nothing: a round. */
export interface StoredCall {
  readonly kind: 'record' | 'relay' | 'accept' | 'round';
  readonly covers: readonly { readonly dataset: DatasetId; readonly size: number }[];
  readonly grant?: GrantId;
}

export interface StoredTransaction {
  readonly transaction: SignedTransaction;
  readonly call: StoredCall;
}

export async function readRelayerState(table: Table, account: string, signal?: AbortSignal): Promise<RelayerState> {
  const item = await table.get(relayerPk(account), RELAYER_STATE_SK, signal);
  if (item === null) return { condition: 'absent', open: [], outOfFundsSinceMs: null, atMost: null };
  const parsed = stateItem.safeParse(item);
  const condition = { version: item.version };
  // Damaged, it is written anew. What was sent and is forgotten is replaced when its nonce turns out to be taken.
  return parsed.success
    ? { condition, ...parsed.data }
    : { condition, open: [], outOfFundsSinceMs: null, atMost: null };
}

/** The state as it is after the write, or null when another run has written meanwhile. */
export async function writeRelayerState(
  table: Table,
  account: string,
  state: RelayerState,
  next: Omit<RelayerState, 'condition'>,
  signal?: AbortSignal,
): Promise<RelayerState | null> {
  const open = [...next.open].sort((a, b) => a.nonce - b.nonce);
  const { outOfFundsSinceMs, atMost } = next;
  const key = { pk: relayerPk(account), sk: RELAYER_STATE_SK };
  const item = { ...key, open: JSON.stringify(open), outOfFundsSinceMs, atMost };
  if (!(await table.put(item, state.condition, signal))) return null;
  const version = typeof state.condition === 'object' ? state.condition.version + 1 : 1;
  return { condition: { version }, open, outOfFundsSinceMs, atMost };
}

export async function storeTransaction(
  table: Table,
  account: string,
  { transaction, call }: StoredTransaction,
  signal?: AbortSignal,
): Promise<void> {
  const item = {
    pk: relayerPk(account),
    sk: transactionSk(transaction.nonce, transaction.hash),
    raw: fromHex(transaction.raw, 'transaction'),
    maxFeePerGasWei: String(transaction.maxFeePerGasWei),
    maxPriorityFeePerGasWei: String(transaction.maxPriorityFeePerGasWei),
    kind: call.kind,
    covers: JSON.stringify(call.covers),
    ...(call.grant === undefined ? {} : { grant: call.grant }),
  };
  await table.put(item, 'any', signal);
}

export async function readTransaction(
  table: Table,
  account: string,
  nonce: number,
  hash: string,
  signal?: AbortSignal,
): Promise<StoredTransaction | null> {
  const item = await table.get(relayerPk(account), transactionSk(nonce, hash), signal);
  const parsed = transactionItem.safeParse(item);
  if (!parsed.success) return null;
  const { raw, maxFeePerGasWei, maxPriorityFeePerGasWei, kind, covers, grant } = parsed.data;
  return {
    transaction: { hash, nonce, raw: to0x(raw), maxFeePerGasWei, maxPriorityFeePerGasWei },
    call: { kind, covers, ...(grant === undefined ? {} : { grant }) },
  };
}

/**
 * Deletes stored transactions that can never be mined any more or are mined for good: those of nonces that the final
 * chain is past, unless STATE still names them. That also catches those that a run stored and never counted.
 */
export async function sweepTransactions(
  table: Table,
  account: string,
  state: RelayerState,
  finalNonce: number,
  signal?: AbortSignal,
): Promise<void> {
  if (finalNonce === 0) return;
  const named = new Set(state.open.flatMap(({ nonce, hashes }) => hashes.map((hash) => transactionSk(nonce, hash))));
  const range = { from: transactionSk(0, ''), to: transactionSk(finalNonce - 1, '~'), limit: 25 };
  const { items } = await table.query(relayerPk(account), range, signal);
  for (const { sk } of items) {
    if (!named.has(sk)) await table.delete(relayerPk(account), sk, 'any', signal);
  }
}
