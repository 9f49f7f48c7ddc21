import { Option } from 'commander';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type OpenedDataset, openDatasets } from '../../client/owner/open-datasets.ts';
import { deriveDatasetId } from '../../core/charter/dataset-id.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { type Connection, openBucket, openLedger, openService } from '../../library/connection.ts';
import { addDatasets, type DatasetEntry, entryOf, readDatasets } from '../../library/dataset-list.ts';
import type { OpenedOwner } from '../../library/opened-owner.ts';
import { isIdPrefix } from '../../library/short-ids.ts';
import { progressBar } from '../output.ts';
import type { CommandContext } from '../run-command.ts';
import { kindName } from './kind-name.ts';

/** A dataset that is wanted. */
export interface NamedDataset {
  readonly name: string;
  readonly kind: DatasetKind;
  readonly published: boolean;
  /** Whether a new one stands in the service's rounds, or is recorded directly. */
  readonly anchor: AnchorName;
}

export type AnchorName = 'round' | 'record';

/** `--anchor`, of a command that opens datasets. */
export function anchorOption(byDefault: AnchorName): Option {
  return new Option(
    '--anchor <how>',
    "round: in the service's rounds, one transaction for all datasets; record: directly on DISSC, which agreements rest on",
  )
    .choices(['round', 'record'])
    .default(byDefault);
}

/** An entry of the list, and what came of opening it. */
export type OpenedEntry = DatasetEntry & Pick<OpenedDataset, 'charters' | 'isNew' | 'unshown'>;

/**
 * Opens datasets by the owner's signature, shows the service their charters and enters them in the list of this home. Those
 * that exist come back as they are.
 * @throws ArgumentError when a name is taken by a dataset of another kind, or one that publishes otherwise
 */
export async function openAndEnter(
  { home, output, signal }: CommandContext,
  opened: OpenedOwner,
  connection: Connection,
  wanted: readonly NamedDataset[],
): Promise<OpenedEntry[]> {
  const known = await readDatasets(home);
  const byId = new Map(known.map((entry) => [entry.dataset, entry]));
  const byName = Map.groupBy(known, ({ name }) => name);
  for (const { name } of wanted) requireName(name);
  const named = wanted.map((one) => {
    const dataset = deriveDatasetId(connection, opened.address, encodeDatasetName(one.name), one.kind);
    const entry = byId.get(dataset);
    for (const other of entry === undefined ? (byName.get(one.name) ?? []) : [entry]) requireSame(other, one);
    const anchorer = one.anchor === 'round' ? requireAnchorer(connection) : null;
    return { name: one.name, kind: one.kind, anchorer, kept: entry?.charters ?? [] };
  });
  const bucket = await openBucket(connection);
  try {
    const sources = {
      ledger: openLedger(connection),
      fromBlock: connection.fromBlock,
      service: await openService(connection, opened, 'http'),
      bucket,
    };
    const deps = { primitives: nodePrimitives, sources, nowSeconds: () => Math.floor(Date.now() / 1000) };
    const onOpened = (done: number): void => {
      if (wanted.length > 1) output.progress(progressBar(done, wanted.length, 'datasets'));
    };
    const found = await openDatasets(deps, opened, named, onOpened, signal);
    const entries = found.map(({ dataset, charters, isNew, unshown }, i): OpenedEntry => {
      const entry = entryOf(dataset, charters, wanted[i]?.published === true);
      return { ...entry, charters, isNew, unshown };
    });
    await addDatasets(home, entries);
    return entries;
  } finally {
    bucket?.close();
  }
}

/** @throws StateError where the connection does not say in whose rounds */
export function requireAnchorer({ anchorer }: Connection): Address {
  if (anchorer !== null) return anchorer;
  throw new StateError(
    "connection.json does not say whose rounds anchor datasets. Add the service's account as `anchorer`, or record directly: --anchor record",
  );
}

/** A name that reads like an id, or the beginning of one, would be taken for it. */
function requireName(name: string): void {
  if (isIdPrefix(name)) {
    throw new ArgumentError(`${name} reads like an id, not like the name of a dataset. Choose another name.`);
  }
}

function requireSame(entry: DatasetEntry, wanted: NamedDataset): void {
  if (entry.kind === wanted.kind && entry.published === wanted.published) return;
  const is = `${kindName(entry.kind)}${entry.published ? ' and published' : ', not published'}`;
  throw new ArgumentError(
    `Dataset ${entry.name} exists already and is ${is}; this cannot be changed. Give the same options, or another name.`,
  );
}
