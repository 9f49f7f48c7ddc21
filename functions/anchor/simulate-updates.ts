import { ArgumentError } from '../../core/errors.ts';
import type { GrantRecorder, NotRelayed } from '../../core/ports/grant-recorder.ts';
import type { Unpaid } from '../state/entries.ts';
import type { PaidUpdate } from './anchor-call.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { BuiltUpdate } from './build-update.ts';

/** Null: it would be recorded, and paid for where the lane demands that. */
export type Verdict = null | 'refused' | Unpaid;

export interface Simulated {
  readonly verdicts: readonly Verdict[];
  readonly gas: bigint;
}

/** What the chain says of these updates now, sent in that way; `too-much-gas` for one transaction. */
export async function simulateUpdates(
  ports: AnchorPorts,
  kind: 'earn' | 'relay' | 'record',
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
    if (error instanceof ArgumentError) return 'too-much-gas';
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
