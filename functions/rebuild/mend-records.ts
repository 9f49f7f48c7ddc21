import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { datasetPk, type RecordsEntry, recordsSk } from '../state/entries.ts';
import { cutRecords } from '../state/records-entry.ts';

/** Writes those of a batch's records that are missing or damaged; answers how many. */
export async function mendRecords(
  { table, primitives }: { readonly table: Table; readonly primitives: Pick<Primitives, 'sha256'> },
  dataset: DatasetId,
  sha256Hex: string,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<number> {
  let mended = 0;
  for (const entry of cutRecords(primitives, sha256Hex, manifest)) {
    const key = { pk: datasetPk(dataset), sk: recordsSk(entry.from, sha256Hex) };
    if (isSame(await table.get(key.pk, key.sk, signal), entry)) continue;
    await table.put({ ...key, ...entry }, 'any', signal);
    mended++;
  }
  return mended;
}

function isSame(item: Item | null, entry: RecordsEntry): boolean {
  return (
    item !== null &&
    Object.entries(entry).every(([name, value]) => {
      const there = item[name];
      return value instanceof Uint8Array ? there instanceof Uint8Array && equalBytes(there, value) : there === value;
    })
  );
}
