import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { deleteRange } from '../state/delete-range.ts';
import { datasetPk, TILE_LEAVES, tileSk } from '../state/entries.ts';

const LAST_NUMBER = 9_999_999_999;
const TILE_LEVELS = 4;

/** Deletes the cached hashes that cover anything behind the first `keptBatches`. */
export async function forgetTiles(
  table: Table,
  dataset: DatasetId,
  keptBatches: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let level = 0; level < TILE_LEVELS; level++) {
    const tile = Math.floor(keptBatches / TILE_LEAVES ** (level + 1));
    const range = { from: tileSk(level, tile), to: tileSk(level, LAST_NUMBER) };
    await deleteRange(table, datasetPk(dataset), { ...range, reverse: false }, signal);
  }
}
