import { isSameCharter, type SignedCharter } from '../../core/charter/charter.ts';
import { decodeCharter, encodeCharter } from '../../core/charter/charter-file.ts';
import { charterHistory } from '../../core/charter/charters-in-force.ts';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { charterSk, DATASET_SK, type DatasetEntry, datasetPk, FIRST_CHARTER_SK } from './entries.ts';
import { queryPages } from './query-pages.ts';

const ATTEMPTS = 20;

/** A charter that counts. */
export interface KeptCharter {
  readonly charter: SignedCharter;
  /** Whether DISSC has it; else it is the first that was shown. */
  readonly onChain: boolean;
}

export async function readDatasetEntry(
  table: Pick<Table, 'get'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<DatasetEntry> {
  return entryOf(await table.get(datasetPk(dataset), DATASET_SK, signal));
}

/**
 * Changes the dataset's entry as if nobody else were writing it; `change` answers null when nothing is to be changed.
 * @throws StoreUnavailableError when others keep winning
 */
export async function changeDatasetEntry(
  table: Table,
  dataset: DatasetId,
  change: (entry: DatasetEntry) => DatasetEntry | null,
  signal?: AbortSignal,
): Promise<DatasetEntry> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const item = await table.get(datasetPk(dataset), DATASET_SK, signal);
    const entry = entryOf(item);
    const changed = change(entry);
    if (changed === null) return entry;
    const condition = item === null ? 'absent' : { version: item.version };
    if (await table.put({ pk: datasetPk(dataset), sk: DATASET_SK, ...changed }, condition, signal)) return changed;
  }
  throw new StoreUnavailableError(`The entry of dataset ${dataset} is changing too often. Try again.`);
}

function entryOf(item: Item | null): DatasetEntry {
  if (item === null) return { longestSpanMs: 0 };
  const { pk: _, sk: __, version: ___, ...entry } = item;
  return entry as unknown as DatasetEntry;
}

/**
 * The charters that count, by serial: the first that this service was shown, and those that DISSC has. Each was verified when
 * it was kept.
 */
export async function readCharters(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<SignedCharter[]> {
  return (await readCharterEntries(table, dataset, signal)).map(({ charter }) => charter);
}

/** The same, with whether DISSC has them. */
export async function readCharterEntries(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<KeptCharter[]> {
  return (await readKeptCharters(table, dataset, signal)).charters;
}

/** The same, and whether all that is kept of them can be read. */
export async function readKeptCharters(
  table: Pick<Table, 'query'>,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<{ readonly charters: KeptCharter[]; readonly isWhole: boolean }> {
  const bySerial = new Map<number, KeptCharter>();
  let isWhole = true;
  const range = { from: charterSk(0), to: FIRST_CHARTER_SK };
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    for (const item of items) {
      const kept = keptCharterOf(item);
      if (kept === null) {
        isWhole = false;
        continue;
      }
      const known = bySerial.get(kept.charter.serial);
      bySerial.set(kept.charter.serial, known === undefined ? kept : mergeCharters(known, kept));
    }
  }
  const charters = [...bySerial.values()].sort((a, b) => a.charter.serial - b.charter.serial);
  return { charters, isWhole };
}

/** Null for an item that is damaged: it is as if it were not there, and whoever shows the charter again mends it. */
function keptCharterOf({ file, onChain }: Item): KeptCharter | null {
  if (!(file instanceof Uint8Array)) return null;
  try {
    return { charter: decodeCharter(file), onChain: onChain === true };
  } catch (error) {
    if (error instanceof ArgumentError) return null;
    throw error;
  }
}

/** Of two of one serial the chain's counts; where they say the same, the signature of either is good. */
function mergeCharters(onChain: KeptCharter, shown: KeptCharter): KeptCharter {
  const signature = onChain.charter.signature ?? shown.charter.signature;
  if (!isSameCharter(onChain.charter, shown.charter)) return onChain;
  return { charter: { ...onChain.charter, signature }, onChain: true };
}

/** Keeps a charter that was verified; false where another first one was shown before. */
export async function keepCharter(
  table: Table,
  dataset: DatasetId,
  { charter, onChain }: KeptCharter,
  signal?: AbortSignal,
): Promise<boolean> {
  const key = { pk: datasetPk(dataset), sk: onChain ? charterSk(charter.serial) : FIRST_CHARTER_SK };
  const item = { ...key, file: encodeCharter(charter), onChain };
  if (onChain && charter.signature !== null) return table.put(item, 'any', signal);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await table.put(item, 'absent', signal)) return true;
    const there = await table.get(key.pk, key.sk, signal);
    const kept = there === null ? null : keptCharterOf(there);
    // The chain's events carry no signatures: one that its owner has shown meanwhile stays, as devices ask for it.
    if (kept !== null && (!onChain || isSameCharter(kept.charter, charter))) return onChain;
    if (there !== null && (await table.put(item, { version: there.version }, signal))) return true;
  }
  throw new StoreUnavailableError(`The charters of dataset ${dataset} are changing too often. Try again.`);
}

/** The charter in force: the chain's newest, or the first that was shown where DISSC has none. Null when it is not known. */
export function charterInForceOf(onChain: ChainDevice | null, kept: readonly KeptCharter[]): KeptCharter | null {
  if (onChain !== null) return kept.find((one) => one.onChain && one.charter.serial === onChain.serial) ?? null;
  const shown = kept.map(({ charter }) => charter);
  const first = charterHistory(shown, []).first;
  return kept.find(({ charter }) => charter.serial === first?.serial) ?? null;
}

/**
 * Who writes a dataset now: the device of the chain's newest charter, or, where DISSC has none, that of the first charter shown.
 * Null when neither is known.
 */
export function deviceInForce(onChain: ChainDevice | null, charters: readonly SignedCharter[]): Address | null {
  return onChain?.device ?? charterHistory(charters, []).first?.device ?? null;
}

/** The same by the charters alone that are kept. */
export function newestDevice(charters: readonly KeptCharter[]): Address | null {
  const onChain = charters.filter((one) => one.onChain).map(({ charter }) => charter);
  const newest = onChain.reduce<SignedCharter | null>((a, b) => (a !== null && a.serial > b.serial ? a : b), null);
  const shown = charters.map(({ charter }) => charter);
  return newest?.device ?? deviceInForce(null, shown);
}
