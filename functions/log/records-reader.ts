import type { DatasetId } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import { leafHash } from '../../core/log/merkle.ts';
import type { RecordsEntry } from '../state/entries.ts';
import { batchOf, findLogEntry } from '../state/log-entry.ts';
import { cutRecords, endOf, RECORDS_PAGE, readRecordsPage } from '../state/records-entry.ts';
import { isReadable, readSegmentEntry } from '../state/segment-entry.ts';
import type { LogPorts } from './log-ports.ts';
import { readManifest } from './read-manifest.ts';

/** A record as it is kept, with what is kept of its batch. */
export interface KeptRecord {
  readonly batch: RecordsEntry;
  /** 96 bytes. */
  readonly bytes: Uint8Array;
}

interface Page {
  /** By block, from the page's first; null where nothing is kept. */
  readonly records: (KeptRecord | null)[];
  readonly leaves: (Uint8Array | null)[];
}

/** Manifests read in place of items that are lost or damaged, for one request. */
const MOST_MENDED = 16;

/**
 * Reads the records of one log, page by page, each page once: made for one request, and gone with it. What is lost or damaged
 * in the table is read from the batch's own manifest.
 */
export class RecordsReader {
  readonly #ports: LogPorts;
  readonly #dataset: DatasetId;
  readonly #size: number;
  readonly #signal: AbortSignal | undefined;
  readonly #pages = new Map<number, Promise<Page>>();
  #mended = 0;

  /** @param size blocks of the log */
  constructor(ports: LogPorts, dataset: DatasetId, size: number, signal?: AbortSignal) {
    this.#ports = ports;
    this.#dataset = dataset;
    this.#size = size;
    this.#signal = signal;
  }

  /** A block's record, or null when none is kept. */
  async record(index: number): Promise<KeptRecord | null> {
    const page = await this.#page(Math.floor(index / RECORDS_PAGE));
    return page.records[index % RECORDS_PAGE] ?? null;
  }

  /** The same where their pages were asked for before, else null: without any read. */
  async leavesAtHand(from: number, to: number): Promise<Uint8Array[] | null> {
    const [first, last] = [from, to - 1].map((index) => Math.floor(index / RECORDS_PAGE)) as [number, number];
    for (let page = first; page <= last; page++) if (!this.#pages.has(page)) return null;
    return this.leaves(from, to);
  }

  /** Hashes of the leaves from … to - 1, or null when one of them is not known. */
  async leaves(from: number, to: number): Promise<Uint8Array[] | null> {
    const leaves: Uint8Array[] = [];
    for (let index = from; index < to; index++) {
      const page = await this.#page(Math.floor(index / RECORDS_PAGE));
      const at = index % RECORDS_PAGE;
      const kept = page.records[at];
      if (kept === null || kept === undefined) return null;
      page.leaves[at] ??= leafHash(this.#ports.primitives, kept.bytes);
      leaves.push(page.leaves[at]);
    }
    return leaves;
  }

  #page(number: number): Promise<Page> {
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const read = this.#readPage(number);
    this.#pages.set(number, read);
    return read;
  }

  async #readPage(number: number): Promise<Page> {
    const entries = await readRecordsPage(this.#ports, this.#dataset, number, this.#signal);
    const page: Page = { records: new Array(RECORDS_PAGE).fill(null), leaves: new Array(RECORDS_PAGE).fill(null) };
    for (const entry of entries) fill(page, number, entry);
    const begin = number * RECORDS_PAGE;
    const end = Math.min(this.#size, begin + RECORDS_PAGE);
    for (let index = begin; index < end; ) {
      index = page.records[index - begin] === null ? await this.#mend(page, number, index) : index + 1;
    }
    return page;
  }

  /** Fills in the batch that a missing block lies in, from its manifest, where there is one; the block behind it. */
  async #mend(page: Page, number: number, index: number): Promise<number> {
    const { table } = this.#ports;
    const log = await findLogEntry(table, this.#dataset, index, this.#signal);
    if (log === null) return this.#size;
    const { size } = log;
    const name = batchOf(log);
    if (name === null || this.#mended >= MOST_MENDED) return size;
    this.#mended += 1;
    const segment = await readSegmentEntry(table, this.#dataset, name, this.#signal);
    if (segment === null || !isReadable(segment)) return size;
    const manifest = await readManifest(this.#ports, this.#dataset, segment, this.#signal);
    if (manifest === null) return size;
    for (const entry of cutRecords(this.#ports.primitives, name.sha256Hex, manifest)) fill(page, number, entry);
    return size;
  }
}

/** Puts the records of an entry into the page, as far as they are of that page. */
function fill({ records }: Page, number: number, batch: RecordsEntry): void {
  if (Math.floor(batch.from / RECORDS_PAGE) !== number) return;
  for (let index = batch.from; index < endOf(batch); index++) {
    const at = RECORD_BYTES * (index - batch.from);
    records[index % RECORDS_PAGE] = { batch, bytes: batch.records.subarray(at, at + RECORD_BYTES) };
  }
}
