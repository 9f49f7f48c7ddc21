import { InvalidInputError } from '../../core/errors.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { type BuiltUpdate, buildUpdate, type Pending } from './build-update.ts';
import { suspendDataset } from './find-pending.ts';
import { type Followed, sendAgain } from './follow-transactions.ts';
import { type OpenNonce, type RelayerState, storeTransaction, writeRelayerState } from './relayer-state.ts';

/** `lost`: another run has written the relayer's state; begin again. `full`: no more may be under way for now. */
export type Sent = 'sent' | 'lost' | 'full' | 'out-of-funds';

/** The run's own view of what is under way; each transaction it sends moves it on. */
export interface Sender {
  state: RelayerState;
  readonly nextNonce: number;
  readonly stuck: { readonly open: OpenNonce; readonly newest: SignedTransaction | null }[];
  transactions: number;
}

export function createSender({ state, nextNonce, stuck }: Followed): Sender {
  return { state, nextNonce, stuck: [...stuck], transactions: 0 };
}

/** Records these batches, many datasets in one transaction; those that the chain would refuse are left out and suspended. */
export async function sendUpdates(
  ports: AnchorPorts,
  sender: Sender,
  pending: readonly Pending[],
  signal?: AbortSignal,
): Promise<Sent> {
  const waiting: BuiltUpdate[] = [];
  const limits = { maxBytes: ports.anchorSettings.maxUpdateBytes, maxBatches: Number.POSITIVE_INFINITY };
  for (const one of pending) {
    const built = await buildUpdate(ports, one, limits, signal);
    if (built === 'too-long') await suspendDataset(ports, one, tooLong(one), signal);
    else if (built !== 'unreadable') waiting.push(built);
  }
  while (waiting.length > 0) {
    const bundle = await fitGas(ports, takeBundle(ports, waiting), waiting, signal);
    if (bundle === null) continue;
    const sent = await sendBundle(ports, sender, bundle.updates, bundle.gas, signal);
    if (sent !== 'sent') return sent;
  }
  return 'sent';
}

/** Gives the nonces that are stuck and for which nothing is left to record a transaction that does nothing: those behind
 * them are stuck as well. */
export async function releaseStuck(ports: AnchorPorts, sender: Sender, signal?: AbortSignal): Promise<Sent> {
  while (sender.stuck.length > 0) {
    const { gas } = await ports.recorder.simulate([], signal);
    const sent = await sendBundle(ports, sender, [], gas, signal);
    if (sent !== 'sent') return sent;
  }
  return 'sent';
}

function takeBundle({ anchorSettings }: AnchorPorts, waiting: BuiltUpdate[]): BuiltUpdate[] {
  let sizeBytes = 0;
  let taken = 0;
  for (const built of waiting) {
    sizeBytes += built.sizeBytes;
    if (taken > 0 && (sizeBytes > anchorSettings.maxUpdateBytes || taken >= anchorSettings.maxUpdates)) break;
    taken++;
  }
  return waiting.splice(0, taken);
}

/**
 * What of the bundle the chain accepts now, within the gas of one transaction. What does not fit goes back to `waiting`;
 * null when nothing is left.
 */
async function fitGas(
  ports: AnchorPorts,
  bundle: BuiltUpdate[],
  waiting: BuiltUpdate[],
  signal?: AbortSignal,
): Promise<{ updates: BuiltUpdate[]; gas: bigint } | null> {
  let updates = bundle;
  while (updates.length > 0) {
    const simulated = await simulate(ports, updates, signal);
    if (simulated === 'too-much-gas') {
      updates = await halve(ports, updates, waiting, signal);
      continue;
    }
    const refused = updates.filter((_, i) => simulated.accepted[i] !== true);
    if (refused.length === 0) return { updates, gas: simulated.gas };
    for (const { pending, upTo } of refused) {
      const reason = `DISSC refuses batches ${pending.batches + 1} to ${upTo}, signed by ${pending.device}.`;
      await suspendDataset(ports, pending, reason, signal);
    }
    updates = updates.filter((_, i) => simulated.accepted[i] === true);
  }
  return null;
}

async function simulate(
  { recorder, anchorSettings }: AnchorPorts,
  updates: readonly BuiltUpdate[],
  signal?: AbortSignal,
): Promise<{ accepted: boolean[]; gas: bigint } | 'too-much-gas'> {
  try {
    const simulated = await recorder.simulate(
      updates.map(({ update }) => update),
      signal,
    );
    return simulated.gas > anchorSettings.maxGas ? 'too-much-gas' : simulated;
  } catch (error) {
    if (error instanceof InvalidInputError) return 'too-much-gas';
    throw error;
  }
}

/** Half of the updates, or half of the batches when there is but one. */
async function halve(
  ports: AnchorPorts,
  updates: readonly BuiltUpdate[],
  waiting: BuiltUpdate[],
  signal?: AbortSignal,
): Promise<BuiltUpdate[]> {
  if (updates.length > 1) {
    const half = Math.ceil(updates.length / 2);
    waiting.unshift(...updates.slice(half));
    return updates.slice(0, half);
  }
  const [only] = updates as [BuiltUpdate];
  const maxBatches = Math.floor(only.update.leaves.length / 2);
  const shorter = await buildUpdate(ports, only.pending, { maxBytes: Number.POSITIVE_INFINITY, maxBatches }, signal);
  if (shorter === 'too-long') await suspendDataset(ports, only.pending, tooLong(only.pending), signal);
  return typeof shorter === 'string' ? [] : [shorter];
}

function tooLong({ device, batches }: Pending): string {
  return `No head signed by the device ${device} is near enough behind batch ${batches} to be recorded in one transaction.`;
}

/** Signs, stores, counts, sends: in this order, so that wherever it stops, the next run knows what may have been sent. */
async function sendBundle(
  ports: AnchorPorts,
  sender: Sender,
  updates: readonly BuiltUpdate[],
  gas: bigint,
  signal?: AbortSignal,
): Promise<Sent> {
  const { recorder, table, observer, nowMs, anchorSettings } = ports;
  const replaced = sender.stuck[0];
  if (replaced === undefined && sender.state.open.length >= anchorSettings.maxOpen) return 'full';
  const nonce = replaced?.open.nonce ?? freeNonce(sender);
  const limit = gas + gas / 10n + 20_000n;
  const options = { nonce, gas: limit, ...(replaced?.newest ? { replaces: replaced.newest } : {}) };
  const transaction = await recorder.prepare(
    updates.map(({ update }) => update),
    options,
    signal,
  );

  const costWei = limit * transaction.maxFeePerGasWei;
  const balanceWei = await recorder.balanceWei(signal);
  if (balanceWei < costWei) {
    const { account } = recorder;
    const fields = { account, balanceWei: String(balanceWei), neededWei: String(costWei) };
    observer.error('the relayer is out of funds: send ether to its account', fields);
    observer.count('Anchor.outOfFunds');
    return 'out-of-funds';
  }

  const covers = updates.map(({ pending, upTo }) => ({ dataset: pending.dataset, batches: upTo }));
  await storeTransaction(table, recorder.account, { transaction, covers }, signal);
  const hashes = [...(replaced?.open.hashes ?? []), transaction.hash];
  const others = sender.state.open.filter((open) => open.nonce !== nonce);
  const open = [...others, { nonce, hashes, preparedAtMs: nowMs() }];
  const written = await writeRelayerState(table, recorder.account, sender.state, open, signal);
  if (written === null) return 'lost';
  sender.state = written;
  if (replaced !== undefined) sender.stuck.shift();
  sender.transactions++;
  const replaces = replaced === undefined ? {} : { replaces: replaced.open.hashes.at(-1) };
  observer.info('recording', { hash: transaction.hash, nonce, updates: updates.length, ...replaces });
  observer.count('Anchor.sent');
  await sendAgain(ports, transaction, signal);
  return 'sent';
}

/** The first nonce from the chain's on that nothing is open for: also one that a reorganisation has left empty. */
function freeNonce({ state, nextNonce }: Sender): number {
  const taken = new Set(state.open.map(({ nonce }) => nonce));
  let nonce = nextNonce;
  while (taken.has(nonce)) nonce++;
  return nonce;
}
