import type { SignedCharter } from '../../core/charter/charter.ts';
import type { GrantRecorder, RelayCall } from '../../core/ports/grant-recorder.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { RecordCall, SignedTransaction } from '../../core/ports/ledger.ts';
import type { PreparedRound } from '../rounds/round-items.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Paid, Pending } from './pending.ts';
import type { StoredCall } from './relayer-state.ts';

/** What one transaction of the relayer does. */
export type AnchorCall =
  | { readonly kind: 'record'; readonly pending: readonly Pending[] }
  | { readonly kind: 'relay'; readonly pending: readonly Paid[] }
  | { readonly kind: 'accept'; readonly grant: GrantId }
  | { readonly kind: 'round'; readonly round: PreparedRound };

export function prepareCall(
  { recorder, grantRecorder, roundRecorder }: Pick<AnchorPorts, 'recorder' | 'grantRecorder' | 'roundRecorder'>,
  call: AnchorCall,
  options: { nonce: number; gas: bigint; replaces?: SignedTransaction },
  signal?: AbortSignal,
): Promise<SignedTransaction> {
  if (call.kind === 'record') return recorder.prepare(recordCallOf(call.pending), options, signal);
  if (call.kind === 'round') return roundRecorder.prepareRound(call.round, options, signal);
  const throughAsc = grantRecorder as GrantRecorder;
  if (call.kind === 'relay') return throughAsc.prepareRelay(relayCallOf(call.pending), options, signal);
  return throughAsc.prepareAccept(call.grant, options, signal);
}

export function recordCallOf(pending: readonly Pending[]): RecordCall {
  return { charters: chartersOf(pending), updates: pending.map(({ update }) => update) };
}

export function relayCallOf(paid: readonly Paid[]): RelayCall {
  return { charters: chartersOf(paid), updates: paid.map(({ grant, update }) => ({ grant, update })) };
}

/** What is kept of a call with its transaction. */
export function storedCallOf(call: AnchorCall): StoredCall {
  if (call.kind === 'accept') return { kind: 'accept', covers: [], grant: call.grant };
  if (call.kind === 'round') return { kind: 'round', covers: [] };
  const covers = call.pending.map(({ dataset, update }) => ({ dataset, size: update.size }));
  return { kind: call.kind, covers };
}

function chartersOf(pending: readonly Pending[]): SignedCharter[] {
  return pending.flatMap(({ charter }) => charter ?? []);
}
