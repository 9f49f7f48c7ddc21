import type { Runtime } from '../../core/ports/runtime.ts';
import { type ChainView, readChain } from '../log/chain-view.ts';

/** The chain as this device has last seen it, for all of its steps: none asks what another has just been told. */
export interface ChainWatch {
  /** What the chain says of the dataset, read anew where it was read so long ago. @throws LedgerUnavailableError */
  view(maxAgeMs: number, signal: AbortSignal): Promise<ChainView>;
  /** Something is known that what was last read cannot have seen. */
  expire(): void;
  /** How long ago it was read; infinite where it was not, or counts no more. */
  ageMs(): number;
}

export function createChainWatch(
  runtime: Pick<Runtime, 'monotonicMs'>,
  parts: Parameters<typeof readChain>[0],
): ChainWatch {
  let kept: { readonly atMs: number; readonly view: Promise<ChainView> } | null = null;
  const ageMs = (): number => (kept === null ? Number.POSITIVE_INFINITY : runtime.monotonicMs() - kept.atMs);
  return {
    ageMs,
    expire() {
      kept = null;
    },
    view(maxAgeMs, signal) {
      if (kept !== null && ageMs() < maxAgeMs) return kept.view;
      const reading = { atMs: runtime.monotonicMs(), view: readChain(parts, signal) };
      kept = reading;
      reading.view.catch(() => {
        if (kept === reading) kept = null;
      });
      return reading.view;
    },
  };
}
