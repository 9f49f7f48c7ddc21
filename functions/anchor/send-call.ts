import type { SignedTransaction } from '../../core/ports/ledger.ts';
import { type AnchorCall, prepareCall, storedCallOf } from './anchor-call.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { AnchorSettings } from './anchor-settings.ts';
import { type Followed, notePoor, type SendRefusal, sendAgain } from './follow-transactions.ts';
import { type OpenNonce, type RelayerState, storeTransaction, writeRelayerState } from './relayer-state.ts';

/** `lost`: another run has written the relayer's state; begin again. `full`: no more may be under way for now. */
export type Sent = 'sent' | 'lost' | 'full' | 'out-of-funds';

/** The run's own view of what is under way; each transaction it sends moves it on. */
export interface Sender {
  state: RelayerState;
  readonly nextNonce: number;
  readonly stuck: { readonly open: OpenNonce; readonly newest: SignedTransaction | null }[];
  /** How many wait to be mined. */
  waiting: number;
  transactions: number;
  /** False while a round is under way that is not mined yet, as the next one follows on it; and when there can be none now. */
  mayAnchor: boolean;
}

/** A transaction a minute for eight hours. */
const MOST_OPEN = 512;

/** Where the node takes so many, it may be asked for any number again. */
const ANY_NUMBER = 1_000;

export function createSender({ state, nextNonce, stuck, waiting, isAnchoring }: Followed): Sender {
  return { state, nextNonce, stuck: [...stuck], waiting, transactions: 0, mayAnchor: !isAnchoring };
}

const WEI_PER_GWEI = 1_000_000_000n;

/** Signs, stores, counts, sends: in this order, so that wherever it stops, the next run knows what may have been sent. */
export async function sendCall(
  ports: AnchorPorts,
  sender: Sender,
  call: AnchorCall,
  gas: bigint,
  signal?: AbortSignal,
): Promise<Sent> {
  const { recorder, table, observer, runtime, anchorSettings } = ports;
  const replaced = sender.stuck[0];
  if (replaced === undefined && isFull(sender, anchorSettings)) return 'full';
  const nonce = replaced?.open.nonce ?? freeNonce(sender);
  const limit = gas + gas / 10n + 20_000n;
  const options = { nonce, gas: limit, ...(replaced?.newest ? { replaces: replaced.newest } : {}) };
  const transaction = await prepareCall(ports, call, options, signal);

  const neededWei = limit * transaction.maxFeePerGasWei;
  const balanceWei = await recorder.balanceWei(signal);
  observer.count('Anchor.balanceGwei', Number(balanceWei / WEI_PER_GWEI));
  if (balanceWei < neededWei) return giveUp(ports, sender, { balanceWei, neededWei }, signal);

  await storeTransaction(table, recorder.account, { transaction, call: storedCallOf(call) }, signal);
  const hashes = [...(replaced?.open.hashes ?? []), transaction.hash];
  const others = sender.state.open.filter((open) => open.nonce !== nonce);
  const open = [...others, { nonce, hashes, preparedAtMs: runtime.nowMs() }];
  const next = { open, outOfFundsSinceMs: null, atMost: sender.state.atMost };
  const written = await writeRelayerState(table, recorder.account, sender.state, next, signal);
  if (written === null) return 'lost';
  if (sender.state.outOfFundsSinceMs !== null) {
    observer.info('the relayer has funds again', { account: recorder.account });
  }
  sender.state = written;
  if (replaced === undefined) sender.waiting++;
  else sender.stuck.shift();
  sender.transactions++;
  const replaces = replaced === undefined ? {} : { replaces: replaced.open.hashes.at(-1) };
  observer.info('sending', { call: call.kind, hash: transaction.hash, nonce, ...describe(call), ...replaces });
  observer.count('Anchor.sent');
  if (call.kind === 'round') sender.mayAnchor = false;
  const refusal = await sendAgain(ports, transaction, false, signal);
  if (call.kind === 'accept' || call.kind === 'round') return 'sent';
  return noteTaken(ports, sender, { nonce, updates: call.pending.length, refusal }, signal);
}

/** What waits to be mined is few at a time; what is mined and not final yet is one item's worth, as a chain may stop finalizing. */
function isFull({ state, waiting }: Sender, { maxOpen }: AnchorSettings): boolean {
  return waiting >= maxOpen || state.open.length >= MOST_OPEN;
}

function describe(call: AnchorCall) {
  if (call.kind === 'accept') return { grant: call.grant };
  return call.kind === 'round' ? { round: call.round.number } : { updates: call.pending.length };
}

/**
 * A node may take less in a transaction than it estimates. Where it refuses one with several updates, its nonce is taken by
 * half of them at once; where it takes what was the most, it is asked for twice as many the next time.
 */
async function noteTaken(
  { table, recorder }: AnchorPorts,
  sender: Sender,
  { nonce, updates, refusal }: { nonce: number; updates: number; refusal: SendRefusal | null },
  signal?: AbortSignal,
): Promise<'sent' | 'lost'> {
  const { state } = sender;
  const isTooMany = refusal === 'other' && updates > 1;
  const isMore = refusal === null && state.atMost !== null && updates >= state.atMost;
  if (!isTooMany && !isMore) return 'sent';
  const more = 2 * updates < ANY_NUMBER ? 2 * updates : null;
  const next: RelayerState = isTooMany
    ? {
        ...state,
        atMost: Math.floor(updates / 2),
        open: state.open.map((open) => (open.nonce === nonce ? { ...open, preparedAtMs: 0 } : open)),
      }
    : { ...state, atMost: more };
  const written = await writeRelayerState(table, recorder.account, state, next, signal);
  if (written !== null) sender.state = written;
  // Begins again, so that what was refused goes out now.
  return written === null || isTooMany ? 'lost' : 'sent';
}

/** Gives the nonces that are stuck and for which nothing is left to record a transaction that does nothing: those behind
 * them are stuck as well. */
export async function releaseStuck(ports: AnchorPorts, sender: Sender, signal?: AbortSignal): Promise<Sent> {
  while (sender.stuck.length > 0) {
    const { gas } = await ports.recorder.simulate({ charters: [], updates: [] }, signal);
    const sent = await sendCall(ports, sender, { kind: 'record', pending: [] }, gas, signal);
    if (sent !== 'sent') return sent;
  }
  return 'sent';
}

/** That the account has too little is counted each time, and told when it begins. */
async function giveUp(
  ports: AnchorPorts,
  sender: Sender,
  { balanceWei, neededWei }: { balanceWei: bigint; neededWei: bigint },
  signal?: AbortSignal,
): Promise<'lost' | 'out-of-funds'> {
  const { recorder, observer } = ports;
  const noted = await notePoor(ports, sender.state, signal);
  if (noted === null) return 'lost';
  observer.count('Anchor.outOfFunds');
  if (sender.state.outOfFundsSinceMs === null) {
    const fields = { account: recorder.account, balanceWei: String(balanceWei), neededWei: String(neededWei) };
    observer.error('the relayer is out of funds: send ether to its account', fields);
  }
  sender.state = noted;
  return 'out-of-funds';
}

/** The first nonce from the chain's on that nothing is open for: also one that a reorganisation has left empty. */
function freeNonce({ state, nextNonce }: Sender): number {
  const taken = new Set(state.open.map(({ nonce }) => nonce));
  let nonce = nextNonce;
  while (taken.has(nonce)) nonce++;
  return nonce;
}
