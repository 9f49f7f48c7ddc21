import { toHex } from '../../core/bytes.ts';
import type { MapRoot } from '../../core/ids.ts';
import type { MapPage, MapPages } from '../../core/ports/map-pages.ts';

/** A store of map pages in memory that counts what is asked of it. */
export class MemoryPages implements MapPages {
  readonly kept = new Map<string, Uint8Array>();
  readPageCount = 0;
  readRequests = 0;
  writtenPageCount = 0;
  writtenBytes = 0;

  async readPages(hashes: readonly MapRoot[]): Promise<readonly (Uint8Array | null)[]> {
    this.readRequests++;
    this.readPageCount += hashes.length;
    return hashes.map((hash) => this.kept.get(toHex(hash)) ?? null);
  }

  async writePages(pages: readonly MapPage[]): Promise<void> {
    for (const { hash, bytes } of pages) {
      this.writtenPageCount++;
      this.writtenBytes += bytes.length;
      this.kept.set(toHex(hash), bytes);
    }
  }

  forgetCounts(): void {
    this.readPageCount = 0;
    this.readRequests = 0;
    this.writtenPageCount = 0;
    this.writtenBytes = 0;
  }
}
