import type { DatasetId } from '../../core/ids.ts';
import { buildTiles } from '../../core/log/build-tiles.ts';
import type { LogReader } from '../../core/log/subtree-source.ts';
import { TILE_WIDTH, tileKey } from '../../core/log/tiles.ts';
import type { ObjectWriter } from '../../core/ports/object-store.ts';
import type { ObjectReader, ServicePorts } from '../ports.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { readLogEnd } from '../state/log-entry.ts';
import { readLog } from './open-log.ts';
import { RecordsReader } from './records-reader.ts';
import { encodeRecordsTile, type KeptRecord, recordsTileKey } from './records-tile.ts';

interface Ports extends Pick<ServicePorts, 'table'> {
  readonly primitives: Pick<ServicePorts['primitives'], 'sha256'>;
  readonly objects: Pick<ObjectReader, 'read'> & ObjectWriter;
}

/** Blocks that one call covers at most: 64 tiles of the lowest level. */
const MOST_BLOCKS = 64 * TILE_WIDTH;

/**
 * Writes the tiles of the log that are whole up to a size which the final chain has recorded. Objects are written once, so
 * nothing that another history may still take the place of becomes a tile. A tile that reaches into a gap is left out.
 * @param size blocks of the final head, which the log has with this very root
 * @param tiledTo as the dataset's entry says it
 * @returns whether more are to be written: call it again
 */
export async function growTiles(
  ports: Ports,
  dataset: DatasetId,
  size: number,
  tiledTo = 0,
  signal?: AbortSignal,
): Promise<boolean> {
  const whole = TILE_WIDTH * Math.floor(size / TILE_WIDTH);
  if (whole <= tiledTo) return false;
  const upTo = Math.min(whole, tiledTo + MOST_BLOCKS);
  const end = await readLogEnd(ports.table, dataset, signal);
  const records = new RecordsReader(ports, dataset, end?.size ?? 0, signal);
  const reader = readLog(ports, dataset, end, signal, records);
  await writeTiles(ports, dataset, reader, { from: tiledTo, to: upTo }, signal);
  await writeRecords(ports, dataset, records, { from: tiledTo, to: upTo }, signal);
  await changeDatasetEntry(
    ports.table,
    dataset,
    (entry) => ((entry.tiledTo ?? 0) >= upTo ? null : { ...entry, tiledTo: upTo }),
    signal,
  );
  return upTo < whole;
}

/** Writes the tiles that become whole in this stretch of the log; those that are there stay. */
async function writeTiles(
  { objects }: Ports,
  dataset: DatasetId,
  reader: LogReader,
  { from, to }: { readonly from: number; readonly to: number },
  signal?: AbortSignal,
): Promise<void> {
  for await (const { bytes, ...place } of buildTiles(reader, from, to)) {
    await objects.put(tileKey(dataset, place), bytes, signal);
  }
}

/** Writes the same stretch's records, 256 to an object; a stretch that nobody has all records of stays without. */
async function writeRecords(
  { objects, primitives }: Ports,
  dataset: DatasetId,
  records: RecordsReader,
  { from, to }: { readonly from: number; readonly to: number },
  signal?: AbortSignal,
): Promise<void> {
  for (let begin = TILE_WIDTH * Math.floor(from / TILE_WIDTH); begin < to; begin += TILE_WIDTH) {
    const kept: KeptRecord[] = [];
    for (let index = begin; index < begin + TILE_WIDTH; index++) {
      const record = await records.record(index);
      if (record === null) break;
      kept.push(record);
    }
    if (kept.length < TILE_WIDTH) continue;
    const place = { dataset, number: begin / TILE_WIDTH };
    await objects.put(recordsTileKey(place), encodeRecordsTile(primitives, place, kept), signal);
  }
}
