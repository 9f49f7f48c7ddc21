import type { GrantRecorder } from '../../core/ports/grant-recorder.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { BuiltUpdate } from './build-update.ts';
import type { StoredCall } from './relayer-state.ts';

/** An update that a grant pays for. */
export interface PaidUpdate extends BuiltUpdate {
  readonly grant: GrantId;
  readonly perBatchWei: bigint;
}

/** What one transaction of the relayer does. */
export type AnchorCall =
  | { readonly kind: 'record'; readonly updates: readonly BuiltUpdate[] }
  | { readonly kind: 'relay'; readonly updates: readonly PaidUpdate[] }
  | { readonly kind: 'accept'; readonly grant: GrantId };

export function prepareCall(
  { recorder, grantRecorder }: Pick<AnchorPorts, 'recorder' | 'grantRecorder'>,
  call: AnchorCall,
  options: { nonce: number; gas: bigint; replaces?: SignedTransaction },
  signal?: AbortSignal,
): Promise<SignedTransaction> {
  if (call.kind === 'record') {
    const updates = call.updates.map(({ update }) => update);
    return recorder.prepare(updates, options, signal);
  }
  const throughAsc = grantRecorder as GrantRecorder;
  if (call.kind === 'relay') return throughAsc.prepareRelay(call.updates, options, signal);
  return throughAsc.prepareAccept(call.grant, options, signal);
}

/** What is kept of a call with its transaction. */
export function storedCallOf(call: AnchorCall): StoredCall {
  if (call.kind === 'accept') return { kind: 'accept', covers: [], grant: call.grant };
  const covers = call.updates.map(({ pending, upTo }) => ({ dataset: pending.dataset, batches: upTo }));
  return { kind: call.kind, covers };
}
