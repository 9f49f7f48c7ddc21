import type { DatasetId } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import { leafHash } from '../../core/log/merkle.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Table } from '../../core/ports/table.ts';
import type { RecordsEntry } from '../state/entries.ts';
import { endOf, RECORDS_PAGE, readRecordsPage } from '../state/records-entry.ts';

/** A record as it is kept, with what is kept of its batch. */
export interface KeptRecord {
  readonly batch: RecordsEntry;
  /** 96 bytes. */
  readonly bytes: Uint8Array;
}

interface Page {
  /** By block, from the page's first; null where nothing is kept. */
  readonly records: readonly (KeptRecord | null)[];
  readonly leaves: (Uint8Array | null)[];
}

/** Reads the records of one log, page by page, each page once: made for one request, and gone with it. */
export class RecordsReader {
  readonly #hasher: Pick<Primitives, 'sha256'>;
  readonly #table: Pick<Table, 'query'>;
  readonly #dataset: DatasetId;
  readonly #signal: AbortSignal | undefined;
  readonly #pages = new Map<number, Promise<Page>>();

  constructor(
    ports: { readonly primitives: Pick<Primitives, 'sha256'>; readonly table: Pick<Table, 'query'> },
    dataset: DatasetId,
    signal?: AbortSignal,
  ) {
    this.#hasher = ports.primitives;
    this.#table = ports.table;
    this.#dataset = dataset;
    this.#signal = signal;
  }

  /** A block's record, or null when none is kept. */
  async record(index: number): Promise<KeptRecord | null> {
    const page = await this.#page(Math.floor(index / RECORDS_PAGE));
    return page.records[index % RECORDS_PAGE] ?? null;
  }

  /** Hashes of the leaves from … to - 1, or null when one of them is not known. */
  async leaves(from: number, to: number): Promise<Uint8Array[] | null> {
    const leaves: Uint8Array[] = [];
    for (let index = from; index < to; index++) {
      const page = await this.#page(Math.floor(index / RECORDS_PAGE));
      const at = index % RECORDS_PAGE;
      const kept = page.records[at];
      if (kept === null || kept === undefined) return null;
      page.leaves[at] ??= leafHash(this.#hasher, kept.bytes);
      leaves.push(page.leaves[at]);
    }
    return leaves;
  }

  #page(number: number): Promise<Page> {
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const read = readRecordsPage(this.#table, this.#dataset, number, this.#signal).then(pageOf);
    this.#pages.set(number, read);
    return read;
  }
}

function pageOf(entries: readonly RecordsEntry[]): Page {
  const records: (KeptRecord | null)[] = new Array(RECORDS_PAGE).fill(null);
  for (const batch of entries) {
    for (let index = batch.from; index < endOf(batch); index++) {
      const at = RECORD_BYTES * (index - batch.from);
      records[index % RECORDS_PAGE] = { batch, bytes: batch.records.subarray(at, at + RECORD_BYTES) };
    }
  }
  return { records, leaves: new Array(RECORDS_PAGE).fill(null) };
}
