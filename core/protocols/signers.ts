import type { Address } from '../ids.ts';
import type { RecordedEvent } from '../ports/ledger.ts';

/** Under whose signature the batch at a position of the log was recorded; null when the chain's log does not say. */
export type SignerOf = (position: number) => Address | null;

/** Each accepted update covers the batches since the one before it. */
export function signersFrom(events: readonly RecordedEvent[]): SignerOf {
  const sorted = [...events].sort((a, b) => a.batches - b.batches);
  return (position) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as RecordedEvent).batches <= position) low = middle + 1;
      else high = middle;
    }
    return sorted[low]?.signer ?? null;
  };
}
