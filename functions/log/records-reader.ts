import type { DatasetId } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import { leafHash } from '../../core/log/merkle.ts';
import { isTileWhole, TILE_WIDTH } from '../../core/log/tiles.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import type { RecordsEntry } from '../state/entries.ts';
import { batchOf, findLogEntry } from '../state/log-entry.ts';
import { cutRecords, endOf, RECORDS_PAGE, readRecordsPage } from '../state/records-entry.ts';
import { isReadable, readSegmentEntry } from '../state/segment-entry.ts';
import type { LogPorts } from './log-ports.ts';
import { readManifest } from './read-manifest.ts';
import {
  type KeptRecord,
  MOST_RECORDS_TILE_BYTES,
  openRecordsTile,
  type RecordsTile,
  recordsTileKey,
} from './records-tile.ts';

/** Records of blocks in a row, from the bucket or the table. */
interface Page {
  /** Null where nothing is kept. */
  record(index: number): KeptRecord | null;
  recordBytes(index: number): Uint8Array | null;
}

/** By block, from a page's first; null where nothing is kept. */
type Records = (KeptRecord | null)[];

/** Manifests read in place of items that are lost or damaged, for one request. */
const MOST_MENDED = 16;

/**
 * Reads the records of one log, each page and tile of them once: made for one request, and gone with it. Where the log has its
 * tiles, 256 records are one object of the bucket. The others, and those whose tile is lost or damaged, are items of the table;
 * what is lost or damaged there, too, is read from the batch's own manifest.
 */
export class RecordsReader {
  readonly #ports: LogPorts;
  readonly #dataset: DatasetId;
  readonly #size: number;
  readonly #signal: AbortSignal | undefined;
  /** By tile: a tile of records, or the page of the table that it lies in. */
  readonly #stretches = new Map<number, Promise<Page>>();
  readonly #pages = new Map<number, Promise<Page>>();
  readonly #leaves = new Map<number, Uint8Array>();
  /**
   * Stretches that the log has by the chain's word alone and that reach beyond the page where they were met: one may claim 2^28
   * blocks. What lies within a page is known by the page.
   */
  readonly #gaps: { readonly first: number; readonly size: number }[] = [];
  #tiledTo: Promise<number> | null = null;
  #mended = 0;

  /** @param size blocks of the log */
  constructor(ports: LogPorts, dataset: DatasetId, size: number, signal?: AbortSignal) {
    this.#ports = ports;
    this.#dataset = dataset;
    this.#size = size;
    this.#signal = signal;
  }

  /** Blocks up to which the log has its tiles, as the dataset's entry says; read once. */
  tiledTo(): Promise<number> {
    this.#tiledTo ??= readDatasetEntry(this.#ports.table, this.#dataset, this.#signal).then(
      ({ tiledTo = 0 }) => tiledTo,
    );
    return this.#tiledTo;
  }

  /** A block's record, or null when none is kept. */
  async record(index: number): Promise<KeptRecord | null> {
    if (this.#isLost(index, index + 1)) return null;
    return (await this.#stretch(Math.floor(index / TILE_WIDTH))).record(index);
  }

  /** Leaf hashes where their records were asked for before, else null: without any read. */
  async leavesAtHand(from: number, to: number): Promise<Uint8Array[] | null> {
    const [first, last] = [from, to - 1].map((index) => Math.floor(index / TILE_WIDTH)) as [number, number];
    for (let number = first; number <= last; number++) if (!this.#isAtHand(number)) return null;
    return this.leaves(from, to);
  }

  /** Hashes of the leaves from … to - 1, or null when one of them is not known. */
  async leaves(from: number, to: number): Promise<Uint8Array[] | null> {
    const leaves: Uint8Array[] = [];
    if (this.#isLost(from, to)) return null;
    for (let index = from; index < to; ) {
      const number = Math.floor(index / TILE_WIDTH);
      const stretch = await this.#stretch(number);
      for (const end = Math.min(to, (number + 1) * TILE_WIDTH); index < end; index++) {
        const leaf = this.#leaf(stretch, index);
        if (leaf === null) return null;
        leaves.push(leaf);
      }
    }
    return leaves;
  }

  /** Whether some of these blocks lie in a gap that was met before. */
  #isLost(from: number, to: number): boolean {
    return this.#gaps.some(({ first, size }) => first < to && from < size);
  }

  #leaf(stretch: Page, index: number): Uint8Array | null {
    const known = this.#leaves.get(index);
    if (known !== undefined) return known;
    const record = stretch.recordBytes(index);
    if (record === null) return null;
    const leaf = leafHash(this.#ports.primitives, record);
    this.#leaves.set(index, leaf);
    return leaf;
  }

  #isAtHand(number: number): boolean {
    return this.#stretches.has(number) || this.#pages.has(pageOf(number));
  }

  #stretch(number: number): Promise<Page> {
    return remember(this.#stretches, number, async () => {
      const page = this.#pages.get(pageOf(number)) ?? (await this.#readTile(number));
      return page ?? remember(this.#pages, pageOf(number), () => this.#readPage(pageOf(number)));
    });
  }

  async #readTile(number: number): Promise<RecordsTile | null> {
    const { objects, primitives } = this.#ports;
    const isWhole = (size: number) => isTileWhole({ level: 0, number }, size);
    if (!isWhole(this.#size) || !isWhole(await this.tiledTo())) return null;
    const place = { dataset: this.#dataset, number };
    const range = { start: 0, end: MOST_RECORDS_TILE_BYTES + 1 };
    const object = await objects.read(recordsTileKey(place), range, this.#signal);
    return object === null ? null : openRecordsTile(primitives, place, object);
  }

  async #readPage(number: number): Promise<Page> {
    const entries = await readRecordsPage(this.#ports, this.#dataset, number, this.#signal);
    const records: Records = new Array(RECORDS_PAGE).fill(null);
    for (const entry of entries) fill(records, number, entry);
    const begin = number * RECORDS_PAGE;
    const end = Math.min(this.#size, begin + RECORDS_PAGE);
    for (let index = begin; index < end; ) {
      index = records[index - begin] === null ? await this.#mend(records, number, index) : index + 1;
    }
    const record = (index: number) => records[index % RECORDS_PAGE] ?? null;
    return { record, recordBytes: (index) => record(index)?.bytes ?? null };
  }

  /** Fills in the batch that a missing block lies in, from its manifest, where there is one; the block behind it. */
  async #mend(records: Records, number: number, index: number): Promise<number> {
    const { table } = this.#ports;
    const log = await findLogEntry(table, this.#dataset, index, this.#signal);
    if (log === null) return this.#size;
    const { size } = log;
    const name = batchOf(log);
    if (name === null && size > (number + 1) * RECORDS_PAGE) this.#gaps.push({ first: log.first, size });
    if (name === null || this.#mended >= MOST_MENDED) return size;
    this.#mended += 1;
    const segment = await readSegmentEntry(table, this.#dataset, name, this.#signal);
    if (segment === null || !isReadable(segment)) return size;
    const manifest = await readManifest(this.#ports, this.#dataset, segment, this.#signal);
    if (manifest === null) return size;
    for (const entry of cutRecords(this.#ports.primitives, name.sha256Hex, manifest)) fill(records, number, entry);
    return size;
  }
}

/** The page of the table that a tile's records lie in. */
function pageOf(tile: number): number {
  return Math.floor((tile * TILE_WIDTH) / RECORDS_PAGE);
}

function remember<T>(known: Map<number, Promise<T>>, key: number, read: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? read();
  known.set(key, found);
  return found;
}

/** Puts the records of an entry into the page, as far as they are of that page. */
function fill(records: Records, number: number, batch: RecordsEntry): void {
  if (Math.floor(batch.from / RECORDS_PAGE) !== number) return;
  for (let index = batch.from; index < endOf(batch); index++) {
    const at = RECORD_BYTES * (index - batch.from);
    records[index % RECORDS_PAGE] = { batch, bytes: batch.records.subarray(at, at + RECORD_BYTES) };
  }
}
