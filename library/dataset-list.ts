import { join } from 'node:path';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../adapters/keys/secret-file.ts';
import { ArgumentError } from '../core/errors.ts';
import { type DatasetId, datasetId } from '../core/ids.ts';
import { type DatasetEntry, datasetsFileText, parseDatasetsFile } from '../core/wire/datasets-file.ts';
import { isIdPrefix, isWholeId, pickId } from './short-ids.ts';

export { type DatasetEntry, entryOf } from '../core/wire/datasets-file.ts';

/** A dataset takes some 600 bytes of it, a fleet has tens of thousands. */
const MAX_LIST_BYTES = 64 * 2 ** 20;

const datasetsPath = (home: string): string => join(home, 'datasets.json');

/**
 * All that are entered, in the order they were. The list is a cache: `plumb owner restore` makes it again.
 * @throws FileError when the list is malformed, or others can read it
 */
export async function readDatasets(home: string): Promise<DatasetEntry[]> {
  let text: string;
  try {
    text = await readSecretFile(datasetsPath(home), MAX_LIST_BYTES);
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
  return parseDatasetsFile(text, datasetsPath(home));
}

/**
 * Enters datasets, all of them at once; entries of the same ids are replaced.
 * @throws FileError as `readDatasets`, and when it cannot be written
 */
export async function addDatasets(home: string, entries: readonly DatasetEntry[]): Promise<void> {
  const added = new Map(entries.map((entry) => [entry.dataset, entry]));
  const kept = (await readDatasets(home)).map((entry) => {
    const replaced = added.get(entry.dataset) ?? entry;
    added.delete(entry.dataset);
    return replaced;
  });
  await replaceSecretFile(datasetsPath(home), datasetsFileText([...kept, ...added.values()]));
}

/** The id behind a name of the list or the beginning of an id in it, or a whole id as it is. @throws ArgumentError as `datasetEntry` */
export async function findDataset(home: string, nameOrId: string): Promise<DatasetId> {
  // An id needs no list, and none that can be read.
  return isWholeId(nameOrId) ? pickDataset([], home, nameOrId) : pickDataset(await readDatasets(home), home, nameOrId);
}

/** The same of a list that was read. @throws ArgumentError as `datasetEntry` */
export function pickDataset(datasets: readonly DatasetEntry[], home: string, nameOrId: string): DatasetId {
  return isWholeId(nameOrId) ? datasetId(nameOrId.toLowerCase()) : pickEntry(datasets, nameOrId, home).dataset;
}

/** @throws ArgumentError when the list has no such dataset, or two of this name or beginning */
export async function datasetEntry(home: string, nameOrId: string): Promise<DatasetEntry> {
  return pickEntry(await readDatasets(home), nameOrId, home);
}

/** More names than these are not listed where one is not known. */
const MAX_NAMES_SHOWN = 12;

/**
 * The entry of this name or id. The beginning of an id is enough where no dataset is called so.
 * @param where what the list is, for whoever is told that it lacks one
 * @throws ArgumentError when there is no such dataset, or two of this name or beginning
 */
export function pickEntry(datasets: readonly DatasetEntry[], nameOrId: string, where: string): DatasetEntry {
  const wanted = isWholeId(nameOrId) ? nameOrId.toLowerCase() : nameOrId;
  const [entry, other] = datasets.filter(({ name, dataset }) => name === wanted || dataset === wanted);
  if (entry !== undefined && other === undefined) return entry;
  if (entry !== undefined && other !== undefined) {
    throw new ArgumentError(`Two datasets are called ${wanted}. Give the id: ${entry.dataset} or ${other.dataset}.`);
  }
  if (isIdPrefix(wanted) && !isWholeId(wanted)) {
    const ids = datasets.map(({ dataset }) => dataset);
    const id = pickId(wanted, `a dataset in ${where}`, ids);
    return datasets[ids.indexOf(id)] as DatasetEntry;
  }
  const more = datasets.length > MAX_NAMES_SHOWN ? ` and ${datasets.length - MAX_NAMES_SHOWN} more` : '';
  const known = `${
    datasets
      .slice(0, MAX_NAMES_SHOWN)
      .map(({ name }) => name)
      .join(', ') || 'none'
  }${more}`;
  throw new ArgumentError(
    `There is no dataset ${wanted} in ${where}; it lists: ${known}. To find datasets made on other machines: plumb owner restore`,
  );
}
