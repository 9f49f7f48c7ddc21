import { nextSerial, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { deriveDatasetId } from '../../core/charter/dataset-id.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { PlumblineError, RequestRefusedError, StateError } from '../../core/errors.ts';
import { type Address, type DatasetId, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { deriveDeviceKey } from '../../core/keys.ts';
import type { ChainDevice, ChainPoint } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type CharterSources, findCharters } from './find-charters.ts';

/** Who signs charters. */
export interface CharteringOwner {
  readonly address: Address;
  readonly privateKey: PrivateKey;
  /** BIP-39 seed, 64 bytes. */
  readonly seed: Uint8Array;
}

export interface OpenDatasetsDeps {
  readonly primitives: Primitives;
  readonly sources: CharterSources & { readonly service: Pick<StorageService, 'getAnchor' | 'putCharter'> | null };
  readonly nowSeconds: () => number;
}

export interface WantedDataset {
  readonly name: string;
  readonly kind: DatasetKind;
  /** In whose rounds its heads are to stand when it is new; null: it is recorded directly only. */
  readonly anchorer: Address | null;
  /** Charters of it that the owner keeps, by serial; none when it is new here. */
  readonly kept: readonly SignedCharter[];
}

export interface OpenedDataset {
  readonly dataset: DatasetId;
  readonly name: string;
  readonly kind: DatasetKind;
  /** By serial; at least the first. */
  readonly charters: readonly [SignedCharter, ...SignedCharter[]];
  /** Whether its first charter was signed just now. */
  readonly isNew: boolean;
  /** Why the service does not have its charter, in words; null when it does. The device shows it then. */
  readonly unshown: string | null;
}

/** Questions to the chain in one request. */
const DEVICES_PER_REQUEST = 100;
const PARALLEL_DATASETS = 8;
/** How far ahead of its block's time DISSC takes a serial. */
const MAX_SERIAL_AHEAD_SECONDS = 86_400;

/**
 * Opens datasets: a dataset exists as soon as its owner has signed its first charter, and nothing is sent to the chain. One
 * that the chain, the service or the bucket knows already comes back as it is, so that it can be repeated on any machine.
 * @throws LedgerUnavailableError when the chain cannot be read; StateError when this machine's clock is ahead of it
 *
 * @example
 * import { ENCRYPTED } from 'plumbline/core/charter/kind';
 * const sources = { ledger, fromBlock, service, bucket };
 * const deps = { primitives, sources, nowSeconds: () => Math.floor(Date.now() / 1000) };
 * const wanted = [{ name: 'garden', kind: ENCRYPTED, anchorer: null, kept: [] }];
 * const [garden] = await openDatasets(deps, owner, wanted);
 * console.log(garden?.name, garden?.unshown); // garden null
 */
export async function openDatasets(
  deps: OpenDatasetsDeps,
  owner: CharteringOwner,
  wanted: readonly WantedDataset[],
  onOpened: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<OpenedDataset[]> {
  const { domain } = deps.sources.ledger;
  const ids = wanted.map(({ name, kind }) => deriveDatasetId(domain, owner.address, encodeDatasetName(name), kind));
  const { point, devices } = await readAllDevices(deps, ids, signal);
  const chartered = ids.filter((_, i) => devices[i] !== null);
  const onChain = new Map<DatasetId, readonly SignedCharter[]>();
  if (chartered.length > 0) {
    const kept = wanted.flatMap((one) => one.kept);
    const sources = { ...deps.sources, service: null, bucket: null };
    const found = await findCharters(sources, owner.address, { all: false, datasets: chartered, kept }, signal);
    for (const { dataset, charters } of found.datasets) onChain.set(dataset, charters);
  }
  const opened: OpenedDataset[] = [];
  let done = 0;
  await eachInParallel([...ids.keys()], PARALLEL_DATASETS, async (i) => {
    signal?.throwIfAborted();
    const one = wanted[i] as WantedDataset;
    const known = onChain.get(ids[i] as DatasetId) ?? one.kept;
    opened[i] = await openOne(deps, owner, { ...one, kept: known, dataset: ids[i] as DatasetId, point }, signal);
    onOpened(++done);
  });
  return opened;
}

/**
 * @throws StateError when a chain at this point would refuse the serial
 *
 * @example
 * const { point } = await ledger.readHeads([], 'latest');
 * requireSerialNotAhead(charters[0].serial, point);
 */
export function requireSerialNotAhead(serial: number, point: ChainPoint): void {
  const most = Math.floor(point.timestampMs / 1000) + MAX_SERIAL_AHEAD_SECONDS;
  if (serial <= most) return;
  throw new StateError(
    `This machine's clock is ahead of the chain by more than a day. A charter signed now would have the serial ${serial}, but the chain takes at most ${most}. Set the clock.`,
  );
}

async function openOne(
  deps: OpenDatasetsDeps,
  owner: CharteringOwner,
  wanted: WantedDataset & { readonly dataset: DatasetId; readonly point: ChainPoint },
  signal: AbortSignal | undefined,
): Promise<OpenedDataset> {
  const { name, kind, kept, dataset } = wanted;
  const [first, ...others] = kept;
  const opened = { dataset, name, kind };
  if (first !== undefined) {
    // Without a signature only the chain can show it, and the service reads the chain by itself.
    const newest = kept.findLast(({ signature }) => signature !== null);
    const unshown = newest === undefined ? null : await showCharter(deps.sources.service, dataset, newest, signal);
    return { ...opened, charters: [first, ...others], isNew: false, unshown: unshown?.shortMessage ?? null };
  }
  const charter = signFirst(deps, owner, wanted);
  const unshown = await showCharter(deps.sources.service, dataset, charter, signal);
  if (unshown instanceof RequestRefusedError) {
    // The service may have an earlier one: then that is the first, and this one is never used.
    const search = { all: false, datasets: [dataset], kept: [] };
    const [earlier] = (await findCharters(deps.sources, owner.address, search, signal)).datasets;
    const [known, ...later] = earlier?.charters ?? [];
    if (known !== undefined) return { ...opened, charters: [known, ...later], isNew: false, unshown: null };
  }
  return { ...opened, charters: [charter], isNew: true, unshown: unshown?.shortMessage ?? null };
}

/**
 * Shows the service a charter. Why it does not have it then; null when it does.
 *
 * @example
 * console.log(await showCharter(service, dataset, charters[0])); // null
 */
export async function showCharter(
  service: Pick<StorageService, 'putCharter'> | null,
  dataset: DatasetId,
  charter: SignedCharter,
  signal?: AbortSignal,
): Promise<PlumblineError | null> {
  try {
    if (service === null) return new StateError('No service was asked.');
    await service.putCharter(dataset, charter, signal);
    return null;
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    return cause;
  }
}

function signFirst(
  { primitives, sources, nowSeconds }: OpenDatasetsDeps,
  owner: CharteringOwner,
  { dataset, name, kind, anchorer, point }: WantedDataset & { readonly dataset: DatasetId; readonly point: ChainPoint },
): SignedCharter {
  const serial = nextSerial(nowSeconds(), null);
  requireSerialNotAhead(serial, point);
  const charter = {
    owner: owner.address,
    name: encodeDatasetName(name),
    kind,
    device: accountOfKey(deriveDeviceKey(primitives, owner.seed, dataset, serial)),
    anchorer: anchorer ?? NO_ACCOUNT,
    serial,
    from: 0,
  };
  return { ...charter, signature: signCharter(sources.ledger.domain, charter, owner.privateKey) };
}

async function readAllDevices(
  { sources }: OpenDatasetsDeps,
  ids: readonly DatasetId[],
  signal: AbortSignal | undefined,
): Promise<{ point: ChainPoint; devices: (ChainDevice | null)[] }> {
  const devices: (ChainDevice | null)[] = [];
  for (let at = 0; ; at += DEVICES_PER_REQUEST) {
    const some = ids.slice(at, at + DEVICES_PER_REQUEST);
    const answer = await sources.ledger.readDevices(some, 'latest', signal);
    devices.push(...answer.devices);
    if (at + DEVICES_PER_REQUEST >= ids.length) return { point: answer.point, devices };
  }
}
