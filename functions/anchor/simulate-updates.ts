import { PlumblineError } from '../../core/errors.ts';
import type { GrantRecorder, NotRelayed } from '../../core/ports/grant-recorder.ts';
import type { Unpaid } from '../state/entries.ts';
import { recordCallOf, relayCallOf } from './anchor-call.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import { callBytes, type Paid, type Pending } from './pending.ts';

/** Null: it would be recorded, and paid for where the lane demands that. `too-early`: its grant pays for it later. */
export type Verdict = null | 'refused' | 'too-early' | Unpaid;

export interface Simulated {
  readonly verdicts: readonly Verdict[];
  readonly gas: bigint;
}

/**
 * What the chain says of these updates now, sent in that way. `not-together`: it takes them in no transaction, as they need
 * too much gas, or as one of the charters makes it revert.
 */
export async function simulateUpdates(
  ports: AnchorPorts,
  kind: 'earn' | 'relay' | 'record',
  pending: readonly Pending[],
  signal?: AbortSignal,
): Promise<Simulated | 'not-together'> {
  try {
    return kind === 'record'
      ? await simulateRecord(ports, pending, signal)
      : await simulateRelay(ports, kind, pending as readonly Paid[], signal);
  } catch (error) {
    // It is for the caller to send fewer.
    if (error instanceof PlumblineError && (error.kind === 'arguments' || error.kind === 'state'))
      return 'not-together';
    throw error;
  }
}

async function simulateRecord(
  { recorder }: AnchorPorts,
  pending: readonly Pending[],
  signal?: AbortSignal,
): Promise<Simulated> {
  const { accepted, gas } = await recorder.simulate(recordCallOf(pending), signal);
  return { verdicts: accepted.map((isAccepted) => (isAccepted ? null : 'refused')), gas };
}

const VERDICT_BY_REASON: Readonly<Record<NotRelayed, Verdict>> = {
  refused: 'refused',
  'too-little-fuel': 'no-fuel',
  'too-early': 'too-early',
  over: 'over',
  'wrong-state': 'over',
  'wrong-dataset': 'over',
};

async function simulateRelay(
  { grantRecorder }: AnchorPorts,
  kind: 'earn' | 'relay',
  paid: readonly Paid[],
  signal?: AbortSignal,
): Promise<Simulated> {
  const throughAsc = grantRecorder as GrantRecorder;
  const { reasons, gas, maxFeePerGasWei } = await throughAsc.simulateRelay(relayCallOf(paid), signal);
  const verdicts = reasons.map((reason): Verdict => (reason === null ? null : VERDICT_BY_REASON[reason]));
  // What it costs is known once nothing else keeps any of them out.
  if (kind === 'relay' || verdicts.some((verdict) => verdict !== null)) return { verdicts, gas };
  const earns = earnings(paid, gas * maxFeePerGasWei);
  return { verdicts: earns.map((earned) => (earned ? null : 'too-dear')), gas };
}

/** Whether each update pays for its share of the transaction, by its length: what they cost differs little otherwise. */
function earnings(paid: readonly Paid[], costWei: bigint): boolean[] {
  const totalBytes = BigInt(paid.reduce((sum, one) => sum + callBytes(one), 0));
  return paid.map((one) => one.perRecordWei * totalBytes >= costWei * BigInt(callBytes(one)));
}
