import { toHex } from '../../core/bytes.ts';
import type { MapPages } from '../../core/ports/map-pages.ts';
import type { Table } from '../../core/ports/table.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { pagePk } from './round-items.ts';

const PARALLEL = 32;

/** What reads pages of maps that are kept in the service's table. */
export function readTablePages(table: Pick<Table, 'get'>, signal?: AbortSignal): Pick<MapPages, 'readPages'> {
  return {
    readPages: (hashes) =>
      mapBounded(hashes, PARALLEL, async (hash) => {
        const item = await table.get(pagePk(hash), toHex(hash), signal);
        return item?.page instanceof Uint8Array ? item.page : null;
      }),
  };
}

/** The same, and what writes them. A page that is there already is written again: what was damaged is mended by that. */
export function createTablePages(table: Pick<Table, 'get' | 'put'>, signal?: AbortSignal): MapPages {
  return {
    ...readTablePages(table, signal),
    writePages: async (pages) => {
      await mapBounded(pages, PARALLEL, ({ hash, bytes }) =>
        table.put({ pk: pagePk(hash), sk: toHex(hash), page: bytes }, 'any', signal),
      );
    },
  };
}
