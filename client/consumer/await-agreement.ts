import { LedgerUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Agreement, Agreements } from '../../core/ports/agreements.ts';
import type { Anchor } from '../../core/ports/ledger.ts';
import type { Runtime } from '../../core/ports/runtime.ts';

const POLL_MS = 300;

/**
 * Waits until the agreement is as wanted at the anchor.
 * @throws LedgerUnavailableError when that takes longer than the limit
 *
 * @example
 * const wanted = { id: agreement, anchor: 'latest', what: 'the acceptance', limitMs: 5_000 } as const;
 * const { buyer } = await awaitAgreement({ market, runtime }, wanted, (seen) => seen.buyer !== null);
 * console.log(buyer?.consumer);
 */
export async function awaitAgreement(
  { market, runtime }: { readonly market: Pick<Agreements, 'readAgreement'>; readonly runtime: Runtime },
  wanted: { readonly id: AgreementId; readonly anchor: Anchor; readonly what: string; readonly limitMs: number },
  suffices: (agreement: Agreement, nowMs: number) => boolean,
  signal?: AbortSignal,
): Promise<Agreement> {
  const untilMs = runtime.monotonicMs() + wanted.limitMs;
  for (;;) {
    const { agreement, point } = await market.readAgreement(wanted.id, wanted.anchor, signal);
    if (agreement !== null && suffices(agreement, point.timestampMs)) return agreement;
    if (runtime.monotonicMs() >= untilMs) {
      throw new LedgerUnavailableError(
        `Agreement ${wanted.id}: no sign of ${wanted.what} after ${wanted.limitMs / 1000} s. Run the command again to keep waiting.`,
      );
    }
    await runtime.sleep(POLL_MS, signal);
  }
}
