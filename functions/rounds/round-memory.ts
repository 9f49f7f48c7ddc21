import { RecentMap } from '../state/recent-map.ts';
import type { ChainRound } from './round-items.ts';

/** Of at most 2 KiB each. */
const MOST_PAGES = 2_000;
const MOST_ROUNDS = 1_000;

/** What a function remembers of final rounds, which never change. Made once for a handler. */
export class RoundMemory {
  /** By anchorer and root. */
  readonly rounds = new RecentMap<string, ChainRound>(MOST_ROUNDS);
  /** Pages of maps, by their hashes. */
  pages = new RecentMap<string, Uint8Array>(MOST_PAGES);

  /** One of them is damaged: the table may have it mended meanwhile. */
  forgetPages(): void {
    this.pages = new RecentMap(MOST_PAGES);
  }
}
