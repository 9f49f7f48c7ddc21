import type { MapRoot } from '../ids.ts';

/** One page of a map: its bytes under the hash of the branch that it holds. */
export interface MapPage {
  readonly hash: MapRoot;
  readonly bytes: Uint8Array;
}

/**
 * Where an anchorer keeps its maps: pages by their hash, written once and never changed, so that two runs at once and a crash
 * between any two steps change nothing. Rounds share the pages of datasets that have not changed. Methods throw
 * StoreUnavailableError when the store cannot be reached now.
 */
export interface MapPages {
  /** In the order asked for; null where there is none. */
  readPages(hashes: readonly MapRoot[]): Promise<readonly (Uint8Array | null)[]>;
  /** All of them are durable when it returns. A page that is there already is no error. */
  writePages(pages: readonly MapPage[]): Promise<void>;
}
