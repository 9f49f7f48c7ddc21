import { InvalidInputError } from '../../core/errors.ts';
import type { GrantRecorder, NotRelayed } from '../../core/ports/grant-recorder.ts';
import type { Unpaid } from '../state/entries.ts';
import type { PaidUpdate } from './anchor-call.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { type BuiltUpdate, buildUpdate, type Pending } from './build-update.ts';
import { suspendDataset } from './find-pending.ts';
import { noteUnpaid, planPayments } from './plan-payment.ts';
import { type Sender, type Sent, sendCall } from './send-call.ts';

/**
 * How updates are sent, those of one lane together. `earn`: through ASC, and only when that pays for the gas; for owners who
 * are served for their grant alone. `relay`: through ASC. `record`: straight to DISSC, unpaid.
 */
type Lane =
  | { readonly kind: 'earn' | 'relay'; readonly waiting: PaidUpdate[] }
  | { readonly kind: 'record'; readonly waiting: BuiltUpdate[] };

type Queued<L extends Lane> = L['waiting'][number];

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
  const payments = await planPayments(ports, pending, signal);
  const earn: Lane & { kind: 'earn' | 'relay' } = { kind: 'earn', waiting: [] };
  const relay: Lane & { kind: 'earn' | 'relay' } = { kind: 'relay', waiting: [] };
  const record: Lane & { kind: 'record' } = { kind: 'record', waiting: [] };

  const recordUnpaid = async (one: Pending, unpaid: Unpaid | null): Promise<void> => {
    if (unpaid !== null) await noteUnpaid(ports, one, unpaid, signal);
    if (one.onlyPaid) return;
    const limits = { maxBytes: ports.anchorSettings.maxUpdateBytes, maxBatches: Number.POSITIVE_INFINITY };
    const built = await buildUpdate(ports, one, limits, signal);
    if (built === 'too-long') await suspendDataset(ports, one, tooLong(one), signal);
    else if (built !== 'unreadable') record.waiting.push(built);
  };

  for (const [i, one] of pending.entries()) {
    const payment = payments[i];
    if (payment === undefined || payment.grant === null) {
      await recordUnpaid(one, payment?.unpaid ?? null);
      continue;
    }
    const { grant, perBatchWei, maxBatches } = payment;
    const limits = { maxBytes: ports.anchorSettings.maxUpdateBytes, maxBatches };
    const built = await buildUpdate(ports, one, limits, signal);
    // Its fuel does not reach to a head that the device has signed.
    if (built === 'too-long') await recordUnpaid(one, 'no-fuel');
    else if (built !== 'unreadable') (one.onlyPaid ? earn : relay).waiting.push({ ...built, grant, perBatchWei });
  }

  for (const lane of [earn, relay, record]) {
    while (lane.waiting.length > 0) {
      const fitting = await fitBundle(ports, lane, recordUnpaid, signal);
      if (fitting === null) continue;
      const { updates, gas } = fitting;
      if (lane.kind !== 'record') for (const { pending: one } of updates) await noteUnpaid(ports, one, null, signal);
      const call =
        lane.kind === 'record'
          ? { kind: 'record' as const, updates }
          : { kind: 'relay' as const, updates: updates as readonly PaidUpdate[] };
      const sent = await sendCall(ports, sender, call, gas, signal);
      if (sent !== 'sent') return sent;
    }
  }
  return 'sent';
}

/**
 * The next updates of a lane that the chain accepts now, within the gas of one transaction. What does not fit goes back to
 * the lane; what its grant does not pay for goes to `recordUnpaid`; null when nothing is left.
 */
async function fitBundle<L extends Lane>(
  ports: AnchorPorts,
  lane: L,
  recordUnpaid: (one: Pending, unpaid: Unpaid) => Promise<void>,
  signal?: AbortSignal,
): Promise<{ updates: readonly Queued<L>[]; gas: bigint } | null> {
  let updates: readonly Queued<L>[] = takeBundle(ports, lane);
  while (updates.length > 0) {
    const simulated = await simulate(ports, lane.kind, updates, signal);
    if (simulated === 'too-much-gas') {
      updates = await halve(ports, lane, updates, recordUnpaid, signal);
      continue;
    }
    const { verdicts, gas } = simulated;
    const kept: Queued<L>[] = [];
    for (const [i, built] of updates.entries()) {
      const verdict = verdicts[i] as Verdict;
      if (verdict === null) kept.push(built);
      else if (verdict === 'refused') await suspendDataset(ports, built.pending, refused(built), signal);
      else await recordUnpaid(built.pending, verdict);
    }
    if (kept.length === updates.length) return { updates, gas };
    updates = kept;
  }
  return null;
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

/** Null: it would be recorded, and paid for where the lane demands that. */
type Verdict = null | 'refused' | Unpaid;

interface Simulated {
  readonly verdicts: readonly Verdict[];
  readonly gas: bigint;
}

async function simulate(
  ports: AnchorPorts,
  kind: Lane['kind'],
  updates: readonly BuiltUpdate[],
  signal?: AbortSignal,
): Promise<Simulated | 'too-much-gas'> {
  try {
    const simulated =
      kind === 'record'
        ? await simulateRecord(ports, updates, signal)
        : await simulateRelay(ports, kind, updates as readonly PaidUpdate[], signal);
    return simulated.gas > ports.anchorSettings.maxGas ? 'too-much-gas' : simulated;
  } catch (error) {
    if (error instanceof InvalidInputError) return 'too-much-gas';
    throw error;
  }
}

async function simulateRecord(
  { recorder }: AnchorPorts,
  updates: readonly BuiltUpdate[],
  signal?: AbortSignal,
): Promise<Simulated> {
  const { accepted, gas } = await recorder.simulate(
    updates.map(({ update }) => update),
    signal,
  );
  return { verdicts: accepted.map((isAccepted) => (isAccepted ? null : 'refused')), gas };
}

const UNPAID_BY_REASON: Readonly<Record<NotRelayed, Verdict>> = {
  refused: 'refused',
  'too-little-fuel': 'no-fuel',
  over: 'over',
  'wrong-state': 'over',
  'wrong-dataset': 'over',
};

async function simulateRelay(
  { grantRecorder }: AnchorPorts,
  kind: 'earn' | 'relay',
  updates: readonly PaidUpdate[],
  signal?: AbortSignal,
): Promise<Simulated> {
  const { reasons, gas, maxFeePerGasWei } = await (grantRecorder as GrantRecorder).simulateRelay(updates, signal);
  const verdicts = reasons.map((reason): Verdict => (reason === null ? null : UNPAID_BY_REASON[reason]));
  // What it costs is known once nothing else keeps any of them out.
  if (kind === 'relay' || verdicts.some((verdict) => verdict !== null)) return { verdicts, gas };
  const earns = earnings(updates, gas * maxFeePerGasWei);
  return { verdicts: earns.map((earned) => (earned ? null : 'too-dear')), gas };
}

/** Whether each update pays for its share of the transaction, by its length: that is what recording costs. */
function earnings(updates: readonly PaidUpdate[], costWei: bigint): boolean[] {
  const totalBytes = BigInt(updates.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  return updates.map(({ update, perBatchWei, sizeBytes }) => {
    const paidWei = perBatchWei * BigInt(update.leaves.length);
    return paidWei * totalBytes >= costWei * BigInt(sizeBytes);
  });
}

/** Half of the updates, or half of the batches when there is but one. */
async function halve<L extends Lane>(
  ports: AnchorPorts,
  lane: L,
  updates: readonly Queued<L>[],
  recordUnpaid: (one: Pending, unpaid: Unpaid) => Promise<void>,
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
  if (shorter === 'too-long' && lane.kind !== 'record') await recordUnpaid(only.pending, 'too-dear');
  else if (shorter === 'too-long') await suspendDataset(ports, only.pending, tooLong(only.pending), signal);
  return [];
}

function refused({ pending, upTo }: BuiltUpdate): string {
  return `DISSC refuses batches ${pending.batches + 1} to ${upTo}, signed by ${pending.device}.`;
}

function tooLong({ device, batches }: Pending): string {
  return `No head signed by the device ${device} is near enough behind batch ${batches} to be recorded in one transaction.`;
}
