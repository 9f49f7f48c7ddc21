import { decodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { PlumblineError } from '../../core/errors.ts';
import { type Address, address, type DatasetId } from '../../core/ids.ts';
import type { Connection } from './connection.ts';
import type { KnownReader } from './known-reader.ts';

/** What a dataset's charter says of it; where that has no name, what the auditor's file calls it. */
export interface DatasetName {
  readonly name: string | null;
  readonly kind: DatasetKind | null;
  readonly owner: Address | null;
}

/** Datasets that are looked at: an owner's own, an auditor's, or all that the chain names. */
export async function collectNames(
  { ledger, file }: Pick<Connection, 'ledger' | 'file'>,
  keys: KnownReader,
  toBlock: number,
  signal: AbortSignal,
): Promise<Map<DatasetId, DatasetName>> {
  const named = new Map<DatasetId, DatasetName>();
  for (const [dataset, [first]] of keys.charters) {
    if (first === undefined) continue;
    const charter = nameOf(first);
    named.set(dataset, { ...charter, name: charter.name ?? keys.names.get(dataset) ?? null });
  }
  const { kind, account } = keys.reader;
  if (kind === 'auditor') return named;
  const chartered =
    kind === 'owner' && account !== null
      ? await ledger.findChartered({ owner: address(account) }, file.fromBlock, toBlock, signal)
      : await ledger.findAllChartered(file.fromBlock, toBlock, signal);
  for (const { dataset, charter } of chartered) if (!named.has(dataset)) named.set(dataset, nameOf(charter));
  return named;
}

function nameOf({ name, kind, owner }: { name: Uint8Array; kind: DatasetKind; owner: Address }): DatasetName {
  return { name: readableName(name), kind, owner };
}

/** Null for 32 bytes that are no name: anybody may charter a dataset under them. */
export function readableName(name: Uint8Array): string | null {
  try {
    return decodeDatasetName(name as Parameters<typeof decodeDatasetName>[0]);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}
