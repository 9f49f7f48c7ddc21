import { toHex } from '../../core/bytes.ts';
import type { MapPages } from '../../core/ports/map-pages.ts';
import type { Table } from '../../core/ports/table.ts';
import { pageKey } from './round-items.ts';
import type { Era } from './thin-rounds.ts';

/** What reads pages of maps that are kept in the service's table: many at once. */
export function readTablePages(table: Pick<Table, 'getMany'>, signal?: AbortSignal): Pick<MapPages, 'readPages'> {
  return {
    readPages: async (hashes) => {
      const items = await table.getMany(hashes.map(pageKey), signal);
      return items.map((item) => (item?.page instanceof Uint8Array ? item.page : null));
    },
  };
}

/** The same, those that were read lately from memory: the upper pages of a map are on every dataset's way. */
export function readRecentPages(
  table: Pick<Table, 'getMany'>,
  memory: { get(hash: string): Uint8Array | undefined; set(hash: string, page: Uint8Array): void },
  signal?: AbortSignal,
): Pick<MapPages, 'readPages'> {
  const { readPages } = readTablePages(table, signal);
  return {
    async readPages(hashes) {
      const unknown = hashes.filter((hash) => memory.get(toHex(hash)) === undefined);
      const read = unknown.length === 0 ? [] : await readPages(unknown);
      const found = new Map(unknown.map((hash, i) => [toHex(hash), read[i] ?? null]));
      for (const [hash, page] of found) if (page !== null) memory.set(hash, page);
      return hashes.map((hash) => found.get(toHex(hash)) ?? memory.get(toHex(hash)) ?? null);
    },
  };
}

/** The same, and what writes them. A page that is there already is written again: what was damaged is mended by that. */
export function createTablePages(
  table: Pick<Table, 'getMany' | 'putMany'>,
  { since, atMs }: Pick<Era, 'since' | 'atMs'>,
  signal?: AbortSignal,
): MapPages {
  return {
    ...readTablePages(table, signal),
    writePages: (pages) => {
      // Two branches of one map may be the same.
      const distinct = new Map(pages.map((page) => [toHex(page.hash), page]));
      return table.putMany(
        [...distinct.values()].map(({ hash, bytes }) => ({ ...pageKey(hash), page: bytes, since, atMs })),
        signal,
      );
    },
  };
}

/** The same pages, each asked for once: for looking heads up in a map and changing it. Holds what it has read. */
export function rememberPages(pages: MapPages): MapPages {
  const known = new Map<string, Uint8Array | null>();
  return {
    async readPages(hashes) {
      const unknown = hashes.filter((hash) => !known.has(toHex(hash)));
      const read = unknown.length === 0 ? [] : await pages.readPages(unknown);
      for (const [i, hash] of unknown.entries()) known.set(toHex(hash), read[i] ?? null);
      return hashes.map((hash) => known.get(toHex(hash)) ?? null);
    },
    writePages: (written) => pages.writePages(written),
  };
}
