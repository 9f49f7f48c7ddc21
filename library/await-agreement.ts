import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { LedgerUnavailableError } from '../core/errors.ts';
import type { AgreementId } from '../core/ids.ts';
import type { Agreement, AgreementMarket } from '../core/ports/agreements.ts';
import type { Anchor } from '../core/ports/ledger.ts';

const POLL_MS = 300;

/**
 * Waits until the agreement is as wanted at the anchor.
 * @throws LedgerUnavailableError when that takes longer than the limit
 */
export async function awaitAgreement(
  market: AgreementMarket,
  wanted: { readonly id: AgreementId; readonly anchor: Anchor; readonly what: string; readonly limitMs: number },
  suffices: (agreement: Agreement, nowMs: number) => boolean,
  signal?: AbortSignal,
): Promise<Agreement> {
  const untilMs = nodeRuntime.monotonicMs() + wanted.limitMs;
  for (;;) {
    const { agreement, point } = await market.readAgreement(wanted.id, wanted.anchor, signal);
    if (agreement !== null && suffices(agreement, point.timestampMs)) return agreement;
    if (nodeRuntime.monotonicMs() >= untilMs) {
      throw new LedgerUnavailableError(
        `Agreement ${wanted.id}: no sign of ${wanted.what} after ${wanted.limitMs / 1000} s. Run the command again to keep waiting.`,
      );
    }
    await nodeRuntime.sleep(POLL_MS, signal);
  }
}
