import type { Unpaid } from '../state/entries.ts';
import type { AnchorCall, PaidUpdate } from './anchor-call.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { type BuiltUpdate, buildUpdate, type Pending } from './build-update.ts';
import { noteUnpaid, type Payment, planPayments } from './plan-payment.ts';
import { type Sender, type Sent, sendCall } from './send-call.ts';
import { simulateUpdates, type Verdict } from './simulate-updates.ts';
import { suspendDataset } from './suspend-dataset.ts';

/**
 * Updates that are sent in the same way. `earn`: through ASC, and only when that pays for the gas; for owners who are served
 * for their grant alone. `relay`: through ASC. `record`: straight to DISSC, unpaid.
 */
type Lane = PaidLane | UnpaidLane;

interface PaidLane {
  readonly kind: 'earn' | 'relay';
  readonly waiting: PaidUpdate[];
}

interface UnpaidLane {
  readonly kind: 'record';
  readonly waiting: BuiltUpdate[];
}

type Queued<L extends Lane> = L['waiting'][number];

/** What becomes of batches that no grant pays for. */
type WithoutPay = (one: Pending, unpaid: Unpaid | null) => Promise<void>;

/**
 * Records these batches, many datasets in one transaction; those that the chain would refuse are left out and suspended.
 * Where a grant has fuel, it pays; where none has, this service does, for the owners in its settings.
 */
export async function sendUpdates(
  ports: AnchorPorts,
  sender: Sender,
  pending: readonly Pending[],
  signal?: AbortSignal,
): Promise<Sent> {
  const earn: PaidLane = { kind: 'earn', waiting: [] };
  const relay: PaidLane = { kind: 'relay', waiting: [] };
  const record: UnpaidLane = { kind: 'record', waiting: [] };
  const withoutPay: WithoutPay = async (one, unpaid) => {
    if (unpaid !== null) await noteUnpaid(ports, one, unpaid, signal);
    if (one.onlyPaid) return;
    const limits = { maxBytes: ports.anchorSettings.maxUpdateBytes, maxBatches: Number.POSITIVE_INFINITY };
    const built = await buildUpdate(ports, one, limits, signal);
    if (typeof built !== 'string') record.waiting.push(built);
    else if (built === 'too-long') await suspendDataset(ports, one, tooLong(one), signal);
  };

  const payments = await planPayments(ports, pending, signal);
  for (const [i, one] of pending.entries()) {
    const payment = payments[i] as Payment;
    if (payment.grant === null) {
      await withoutPay(one, payment.unpaid);
      continue;
    }
    const { grant, perBatchWei, maxBatches } = payment;
    const limits = { maxBytes: ports.anchorSettings.maxUpdateBytes, maxBatches };
    const built = await buildUpdate(ports, one, limits, signal);
    if (typeof built !== 'string') (one.onlyPaid ? earn : relay).waiting.push({ ...built, grant, perBatchWei });
    else if (built === 'too-long' && maxBatches < one.entries.length) await withoutPay(one, 'no-fuel');
    else if (built === 'too-long') await suspendDataset(ports, one, tooLong(one), signal);
  }

  // What turns out to be unpaid is recorded last.
  for (const lane of [earn, relay, record]) {
    while (lane.waiting.length > 0) {
      const fitting = await fitBundle(ports, lane, withoutPay, signal);
      if (fitting === null) continue;
      const sent = await sendCall(ports, sender, fitting.call, fitting.gas, signal);
      if (sent !== 'sent') return sent;
    }
  }
  return 'sent';
}

/**
 * The next updates of a lane that the chain accepts now, within the gas of one transaction. What does not fit goes back to
 * the lane; what its grant does not pay for goes to `withoutPay`; null when nothing is left.
 */
async function fitBundle<L extends Lane>(
  ports: AnchorPorts,
  lane: L,
  withoutPay: WithoutPay,
  signal?: AbortSignal,
): Promise<{ call: AnchorCall; gas: bigint } | null> {
  let updates: readonly Queued<L>[] = takeBundle(ports, lane);
  while (updates.length > 0) {
    const simulated = await simulateUpdates(ports, lane.kind, updates, signal);
    if (simulated === 'too-much-gas') {
      updates = await halve(ports, lane, updates, withoutPay, signal);
      continue;
    }
    const { verdicts, gas } = simulated;
    const kept: Queued<L>[] = [];
    for (const [i, built] of updates.entries()) {
      const verdict = verdicts[i] as Verdict;
      if (verdict === null) kept.push(built);
      else if (verdict === 'refused') await suspendDataset(ports, built.pending, refused(built), signal);
      else await withoutPay(built.pending, verdict);
    }
    if (kept.length === updates.length) return { call: await callOf(ports, lane.kind, updates, signal), gas };
    updates = kept;
  }
  return null;
}

async function callOf(
  ports: AnchorPorts,
  kind: Lane['kind'],
  updates: readonly BuiltUpdate[],
  signal?: AbortSignal,
): Promise<AnchorCall> {
  if (kind === 'record') return { kind, updates };
  for (const { pending } of updates) await noteUnpaid(ports, pending, null, signal);
  return { kind: 'relay', updates: updates as readonly PaidUpdate[] };
}

function takeBundle<L extends Lane>({ anchorSettings }: AnchorPorts, { waiting }: L): Queued<L>[] {
  let sizeBytes = 0;
  let taken = 0;
  for (const built of waiting) {
    sizeBytes += built.sizeBytes;
    if (taken > 0 && (sizeBytes > anchorSettings.maxUpdateBytes || taken >= anchorSettings.maxUpdates)) break;
    taken++;
  }
  return waiting.splice(0, taken);
}

/** Half of the updates, or half of the batches when there is but one. */
async function halve<L extends Lane>(
  ports: AnchorPorts,
  lane: L,
  updates: readonly Queued<L>[],
  withoutPay: WithoutPay,
  signal?: AbortSignal,
): Promise<readonly Queued<L>[]> {
  if (updates.length > 1) {
    const half = Math.ceil(updates.length / 2);
    (lane.waiting as Queued<L>[]).unshift(...updates.slice(half));
    return updates.slice(0, half);
  }
  const [only] = updates as [Queued<L>];
  const maxBatches = Math.floor(only.update.leaves.length / 2);
  const shorter = await buildUpdate(ports, only.pending, { maxBytes: Number.POSITIVE_INFINITY, maxBatches }, signal);
  if (typeof shorter !== 'string') return [{ ...only, ...shorter }];
  // Through ASC it takes more gas than straight to DISSC, which may have room for it.
  if (shorter === 'too-long' && lane.kind !== 'record') await withoutPay(only.pending, 'too-dear');
  else if (shorter === 'too-long') await suspendDataset(ports, only.pending, tooLong(only.pending), signal);
  return [];
}

function refused({ pending, upTo }: BuiltUpdate): string {
  return `DISSC refuses batches ${pending.batches + 1} to ${upTo}, signed by ${pending.device}.`;
}

function tooLong({ device, batches }: Pending): string {
  return `No head signed by the device ${device} is near enough behind batch ${batches} to be recorded in one transaction.`;
}
