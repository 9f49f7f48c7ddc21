import { NotRecordedError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import {
  type OpenNonce,
  type RelayerState,
  readTransaction,
  type StoredTransaction,
  sweepTransactions,
  writeRelayerState,
} from './relayer-state.ts';

/** What the open transactions leave to be done. */
export interface Followed {
  readonly state: RelayerState;
  /** Datasets with an update under way: nothing is sent for them meanwhile. */
  readonly covered: ReadonlySet<DatasetId>;
  /** Grants whose acceptance is under way. */
  readonly accepting: ReadonlySet<GrantId>;
  /** Whether a round is under way that is not mined yet: the next one follows on it. */
  readonly isAnchoring: boolean;
  /** Nonces to be taken by another transaction with higher fees, lowest first; null when none was stored. */
  readonly stuck: readonly { readonly open: OpenNonce; readonly newest: SignedTransaction | null }[];
  /** How many wait to be mined. */
  readonly waiting: number;
  /** The account's next nonce in the latest block. */
  readonly nextNonce: number;
}

/** Fees rise by an eighth each time: after these, tenfold. */
const MAX_REPLACEMENTS = 20;

/**
 * Looks after what was sent: closes what is final, sends again what was not mined (a node may have lost it, or a
 * reorganisation taken it back), and names what is stuck. Null when another run has written the state meanwhile.
 */
export async function followTransactions(
  ports: AnchorPorts,
  state: RelayerState,
  signal?: AbortSignal,
): Promise<Followed | null> {
  const { recorder, table } = ports;
  const nonces = await recorder.nonces(signal);
  const outcomes = await Promise.all(
    state.open.map(async (open) => ({ open, outcome: await outcomeOf(ports, open, nonces, signal) })),
  );

  let kept = state;
  if (outcomes.some(({ outcome }) => outcome === 'closed')) {
    const open = outcomes.filter(({ outcome }) => outcome !== 'closed').map((followed) => followed.open);
    const written = await writeRelayerState(table, recorder.account, state, { ...state, open }, signal);
    if (written === null) return null;
    kept = written;
  }
  await sweepTransactions(table, recorder.account, kept, nonces.final, signal);

  const covered = new Set<DatasetId>();
  const accepting = new Set<GrantId>();
  let isAnchoring = false;
  let isPoor = false;
  const stuck: { open: OpenNonce; newest: SignedTransaction | null }[] = [];
  for (const { open, outcome } of outcomes) {
    if (outcome !== 'waiting') continue;
    const stored = await readStored(ports, open, signal);
    const newest = stored.at(-1)?.transaction ?? null;
    if (newest === null || isStuck(ports, open)) {
      stuck.push({ open, newest });
      continue;
    }
    for (const { call } of stored) {
      for (const { dataset } of call.covers) covered.add(dataset);
      if (call.grant !== undefined) accepting.add(call.grant);
      isAnchoring ||= call.kind === 'round';
    }
    const refusal = await sendAgain(ports, newest, kept.outOfFundsSinceMs !== null || isPoor, signal);
    isPoor ||= refusal === 'insufficient-funds';
  }
  if (isPoor) {
    const noted = await notePoor(ports, kept, signal);
    if (noted === null) return null;
    kept = noted;
  }
  const waiting = outcomes.filter(({ outcome }) => outcome === 'waiting').length;
  return { state: kept, covered, accepting, isAnchoring, stuck, waiting, nextNonce: nonces.latest };
}

/** `closed`: final, by us or by another. `taken`: mined, not final yet, by us or by another. `waiting`: not mined. */
type Outcome = 'closed' | 'taken' | 'waiting';

async function outcomeOf(
  { recorder, observer }: AnchorPorts,
  { nonce, hashes }: OpenNonce,
  nonces: { latest: number; final: number },
  signal?: AbortSignal,
): Promise<Outcome> {
  if (nonces.latest <= nonce) return 'waiting';
  // What became of it is asked once the final chain is past it: until then, another may still take its place.
  if (nonces.final <= nonce) return 'taken';
  for (const hash of hashes.toReversed()) {
    const receipt = await recorder.receipt(hash, signal);
    if (receipt === null) continue;
    if (!receipt.ok) observer.error('transaction failed', { hash, nonce });
    if (!receipt.final) return 'taken';
    observer.info('transaction final', { hash, nonce, block: receipt.blockNumber });
    observer.count('Anchor.final');
    return 'closed';
  }
  observer.warn('nonce used by another transaction of the account', { nonce });
  observer.count('Anchor.nonceTaken');
  return 'closed';
}

function isStuck({ runtime, anchorSettings }: AnchorPorts, open: OpenNonce): boolean {
  return runtime.nowMs() - open.preparedAtMs >= anchorSettings.replaceAfterMs && open.hashes.length <= MAX_REPLACEMENTS;
}

async function readStored(
  { table, recorder }: AnchorPorts,
  { nonce, hashes }: OpenNonce,
  signal?: AbortSignal,
): Promise<StoredTransaction[]> {
  const found = await Promise.all(hashes.map((hash) => readTransaction(table, recorder.account, nonce, hash, signal)));
  return found.filter((stored) => stored !== null);
}

export type SendRefusal = 'insufficient-funds' | 'other';

/**
 * Sends what is stored and counted. A refusal is told, but not for want of funds where that is known; the transaction stays
 * open and is replaced in time.
 */
export async function sendAgain(
  { recorder, observer }: AnchorPorts,
  transaction: SignedTransaction,
  isKnownPoor: boolean,
  signal?: AbortSignal,
): Promise<SendRefusal | null> {
  try {
    await recorder.broadcast(transaction, signal);
    return null;
  } catch (error) {
    if (!(error instanceof NotRecordedError)) throw error;
    const { hash, nonce } = transaction;
    const refusal = error.details.refusal ?? 'other';
    const isPoor = refusal === 'insufficient-funds';
    if (!isPoor || !isKnownPoor) {
      observer.error('transaction refused by the node', { hash, nonce, refusal, reason: error.shortMessage });
    }
    observer.count(isPoor ? 'Anchor.outOfFunds' : 'Anchor.refusedByNode');
    return isPoor ? 'insufficient-funds' : 'other';
  }
}

/** Keeps that the account has too little ether. Null: another run has written the state. */
export async function notePoor(
  { recorder, table, runtime }: AnchorPorts,
  state: RelayerState,
  signal?: AbortSignal,
): Promise<RelayerState | null> {
  if (state.outOfFundsSinceMs !== null) return state;
  return writeRelayerState(table, recorder.account, state, { ...state, outOfFundsSinceMs: runtime.nowMs() }, signal);
}
