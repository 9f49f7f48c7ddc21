import * as z from 'zod';
import type { SignedCharter } from '../charter/charter.ts';
import { decodeDatasetName } from '../charter/dataset-name.ts';
import type { DatasetKind } from '../charter/kind.ts';
import { charterFromWire, charterToWire } from '../charter/wire-charter.ts';
import { type DatasetId, datasetId } from '../ids.ts';
import { inFile } from '../parse-outside.ts';
import { wireCharter } from './requests.ts';

/** What the owner's home remembers of a dataset: nothing secret, and nothing that enters a key. */
export interface DatasetEntry {
  readonly name: string;
  readonly dataset: DatasetId;
  readonly kind: DatasetKind;
  /** Whether its devices publish the sealed digests. */
  readonly published: boolean;
  /** Those that are known, by serial; at least the first. */
  readonly charters: readonly SignedCharter[];
}

const datasetsFile = z.strictObject({
  datasets: z.array(
    z.strictObject({
      dataset: z.string().regex(/^0x[0-9a-f]{64}$/),
      published: z.boolean(),
      charters: z.array(wireCharter).min(1),
    }),
  ),
});

/**
 * An entry by its charters, which say all but whether digests are published.
 * @throws ArgumentError for a name that is no text
 */
export function entryOf(
  dataset: DatasetId,
  charters: readonly [SignedCharter, ...SignedCharter[]],
  published: boolean,
): DatasetEntry {
  const sorted = charters.toSorted((a, b) => a.serial - b.serial);
  return { name: decodeDatasetName(charters[0].name), dataset, kind: charters[0].kind, published, charters: sorted };
}

/**
 * Reads `datasets.json` of an owner's home.
 * @param where the file, for errors
 * @throws FileError when it is malformed
 */
export function parseDatasetsFile(text: string, where: string): DatasetEntry[] {
  const remedy = 'Move it away, and make it again: plumb owner restore';
  return inFile(
    where,
    () =>
      datasetsFile.parse(JSON.parse(text)).datasets.map(({ dataset, published, charters }) => {
        const parsed = charters.map(charterFromWire) as [SignedCharter, ...SignedCharter[]];
        return entryOf(datasetId(dataset), parsed, published);
      }),
    remedy,
  );
}

/** The file of these entries. */
export function datasetsFileText(entries: readonly DatasetEntry[]): string {
  const datasets = entries.map(({ dataset, published, charters }) => {
    return { dataset, published, charters: charters.map(charterToWire) };
  });
  return `${JSON.stringify({ datasets }, null, 2)}\n`;
}
