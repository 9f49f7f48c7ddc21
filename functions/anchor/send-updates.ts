import type { Unpaid } from '../state/entries.ts';
import type { AnchorCall } from './anchor-call.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { callBytes, type Paid, type Pending } from './pending.ts';
import { noteUnpaid, type Payment, planPayments } from './plan-payment.ts';
import { type Sender, type Sent, sendCall } from './send-call.ts';
import { simulateUpdates, type Verdict } from './simulate-updates.ts';
import { suspendDataset } from './suspend-dataset.ts';

/**
 * Updates that are sent in the same way. `earn`: through ASC, and only when that pays for the gas; for owners who are served
 * for their grant alone. `relay`: through ASC. `record`: straight to DISSC, unpaid.
 */
type Lane = PaidLane | UnpaidLane;

interface PaidLane extends Together {
  readonly kind: 'earn' | 'relay';
  readonly waiting: Paid[];
}

interface UnpaidLane extends Together {
  readonly kind: 'record';
  readonly waiting: Pending[];
}

interface Together {
  /** How many the chain was last seen to take in one transaction. */
  atMost: number;
}

type Queued<L extends Lane> = L['waiting'][number];

/** What becomes of an update that no grant pays for. */
type WithoutPay = (one: Pending, unpaid: Unpaid | null) => Promise<void>;

/**
 * Records these updates, many datasets in one transaction; those that the chain would refuse are left out and suspended.
 * Where a grant has fuel, it pays; where none has, this service does, for the owners in its settings.
 */
export async function sendUpdates(
  ports: AnchorPorts,
  sender: Sender,
  pending: readonly Pending[],
  signal?: AbortSignal,
): Promise<Sent> {
  const atMost = sender.state.atMost ?? Number.POSITIVE_INFINITY;
  const earn: PaidLane = { kind: 'earn', waiting: [], atMost };
  const relay: PaidLane = { kind: 'relay', waiting: [], atMost };
  const record: UnpaidLane = { kind: 'record', waiting: [], atMost };
  const withoutPay: WithoutPay = async (one, unpaid) => {
    if (unpaid !== null) await noteUnpaid(ports, one, unpaid, signal);
    if (!one.onlyPaid) record.waiting.push(one);
  };

  const payments = await planPayments(ports, pending, signal);
  for (const [i, one] of pending.entries()) {
    const payment = payments[i] as Payment;
    if (payment.by === 'grant') (one.onlyPaid ? earn : relay).waiting.push({ ...one, ...payment.terms });
    else if (payment.by === 'nobody') await withoutPay(one, payment.unpaid);
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
 * The next updates of a lane that the chain accepts now, all in one transaction. What does not fit goes back to the lane;
 * what its grant does not pay for goes to `withoutPay`; null when nothing is left.
 */
async function fitBundle<L extends Lane>(
  ports: AnchorPorts,
  lane: L,
  withoutPay: WithoutPay,
  signal?: AbortSignal,
): Promise<{ call: AnchorCall; gas: bigint } | null> {
  let bundle: readonly Queued<L>[] = takeBundle(ports, lane);
  while (bundle.length > 0) {
    const simulated = await simulateUpdates(ports, lane.kind, bundle, signal);
    if (simulated === 'not-together') {
      bundle = await halve(ports, lane, bundle, withoutPay, signal);
      continue;
    }
    const { verdicts, gas } = simulated;
    const kept: Queued<L>[] = [];
    for (const [i, one] of bundle.entries()) {
      const verdict = verdicts[i] as Verdict;
      if (verdict === null) kept.push(one);
      else if (verdict === 'refused') await suspendDataset(ports, one, refused(one), signal);
      else if (verdict !== 'too-early') await withoutPay(one, verdict);
    }
    if (kept.length === bundle.length) return { call: await callOf(ports, lane.kind, bundle, signal), gas };
    bundle = kept;
  }
  return null;
}

async function callOf(
  ports: AnchorPorts,
  kind: Lane['kind'],
  bundle: readonly Pending[],
  signal?: AbortSignal,
): Promise<AnchorCall> {
  if (kind === 'record') return { kind, pending: bundle };
  for (const one of bundle) await noteUnpaid(ports, one, null, signal);
  return { kind: 'relay', pending: bundle as readonly Paid[] };
}

function takeBundle<L extends Lane>({ anchorSettings }: AnchorPorts, { waiting, atMost }: L): Queued<L>[] {
  let sizeBytes = 0;
  let taken = 0;
  for (const one of waiting) {
    sizeBytes += callBytes(one);
    if (taken > 0 && (sizeBytes > anchorSettings.maxCallBytes || taken >= atMost)) break;
    taken++;
  }
  return waiting.splice(0, taken);
}

/** The first half of them; the others go back to the lane. One that the chain takes in no transaction is left out. */
async function halve<L extends Lane>(
  ports: AnchorPorts,
  lane: L,
  bundle: readonly Queued<L>[],
  withoutPay: WithoutPay,
  signal?: AbortSignal,
): Promise<readonly Queued<L>[]> {
  const half = Math.ceil(bundle.length / 2);
  if (bundle.length > 1) {
    (lane.waiting as Queued<L>[]).unshift(...bundle.slice(half));
    lane.atMost = half;
    return bundle.slice(0, half);
  }
  const [only] = bundle as [Queued<L>];
  // Through ASC it takes more gas than straight to DISSC, which may have room for it.
  if (lane.kind !== 'record') await withoutPay(only, 'too-dear');
  else await suspendDataset(ports, only, refused(only), signal);
  return [];
}

function refused({ recordedSize, update, device }: Pending): string {
  return `DISSC refuses the head of ${update.size} blocks, grown from ${recordedSize} and signed by ${device}.`;
}
