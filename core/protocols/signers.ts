import type { Address, BlockIndex } from '../ids.ts';
import type { RecordedEvent } from '../ports/ledger.ts';

/** Under whose signature a block was recorded; null when the chain's log does not say. */
export type SignerOf = (index: BlockIndex) => Address | null;

/** A block's signer is that of the first recorded head that covers it: each accepted update covers what came since the last. */
export function signersFrom(events: readonly Pick<RecordedEvent, 'size' | 'signer'>[]): SignerOf {
  const sorted = [...events].sort((a, b) => a.size - b.size);
  return (index) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as RecordedEvent).size <= index) low = middle + 1;
      else high = middle;
    }
    return sorted[low]?.signer ?? null;
  };
}
