import { manifestKind } from '../../core/batch/coherent-manifest.ts';
import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { type ReadSegment, readSegment } from '../../core/batch/read-segment.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { toHex } from '../../core/bytes.ts';
import { ATTACHED, type DatasetKind } from '../../core/charter/kind.ts';
import { ProofError, SegmentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import { recoverHeadSigner } from '../../core/log/head.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import type { ObjectReader, ServicePorts, ServiceSettings } from '../ports.ts';
import { quotaOf } from '../rights/quota-of.ts';
import { charterInForceOf, type KeptCharter } from '../state/dataset-entry.ts';
import type { Rejection, SegmentEntry } from '../state/entries.ts';
import { chainDeviceOf, type FollowedMemory, readFollowedCharters } from '../state/followed-charters.ts';
import { type CharterMemory, learnCharters } from '../state/learn-charters.ts';
import { whyNotWriter } from './why-not-writer.ts';

export interface SegmentName {
  readonly dataset: DatasetId;
  readonly first: number;
  readonly sha256Hex: string;
}

/** What became of a stored object when it was looked at; `owner` is null where its bytes count for nobody. */
export interface Inspected {
  readonly entry: SegmentEntry;
  readonly owner: Address | null;
  /** Null where it could not be read. */
  readonly manifest: Manifest | null;
  /** The charter in force, as far as it is known. */
  readonly charter: KeptCharter | null;
}

export interface InspectPorts
  extends Pick<ServicePorts, 'primitives' | 'table' | 'ledger' | 'grants' | 'owners' | 'runtime'> {
  readonly objects: ObjectReader;
  readonly memory: { readonly charters: CharterMemory; readonly followed: FollowedMemory };
  readonly settings: () => Pick<ServiceSettings, 'grants' | 'cssAccount' | 'fromBlock'>;
}

/**
 * Checks a stored segment in everything but its place in the log: bounds, name, framing, every block, the head's
 * signature by the device that may write these blocks. It is let in by the charters as the anchor has followed the chain, two
 * minutes ago at most, and turned away by the chain's word alone. Null when there is no such object.
 */
export async function inspectSegment(
  ports: InspectPorts,
  key: string,
  name: SegmentName,
  signal?: AbortSignal,
): Promise<Inspected | null> {
  const nowMs = ports.runtime.nowMs();
  const { first, sha256Hex } = name;
  const received = { key, first, sha256Hex, receivedAtMs: nowMs, lookedAtMs: nowMs, counted: false };
  const reject = (rejection: Rejection, reason: string, sizeBytes: number, owner: Address | null): Inspected => ({
    entry: { ...received, sizeBytes, state: 'rejected', rejection, reason: reason.slice(0, 1000) },
    owner,
    ...{ manifest: null, charter: null },
  });

  const [byTable, car] = await Promise.all([
    writersByTable(ports, name.dataset, signal),
    ports.objects.read(key, { start: 0, end: MAX_SEGMENT_BYTES + 1 }, signal),
  ]);
  if (car === null) return null;
  let writers = byTable ?? (await writersByChain(ports, name.dataset, signal));
  const { owner = null, kind = null } = writers.charters[0]?.charter ?? {};
  const quotaBytes = owner === null ? null : await quotaOf(ports, name.dataset, owner, signal);
  if (owner === null || kind === null || quotaBytes === null) {
    const sizeBytes = await ports.objects.size(key, signal);
    if (sizeBytes === null) return null;
    return owner === null
      ? reject('dataset', 'Neither this service nor the chain has a charter of this dataset.', sizeBytes, null)
      : reject('not-served', `This service does not store data for owner ${owner}.`, sizeBytes, null);
  }
  const found = toHex(ports.primitives.sha256(car));
  if (found !== sha256Hex) {
    const sizeBytes = await ports.objects.size(key, signal);
    if (sizeBytes !== car.length && car.length <= MAX_SEGMENT_BYTES) {
      throw new StoreUnavailableError(
        `The store returned only ${car.length} of the ${sizeBytes} bytes of ${key}. Try again.`,
      );
    }
    const reason =
      car.length > MAX_SEGMENT_BYTES
        ? `The object has ${sizeBytes} bytes; at most ${MAX_SEGMENT_BYTES} fit.`
        : `The stored bytes hash to ${found}, not to the hash in their name.`;
    return reject('bytes', reason, sizeBytes ?? car.length, owner);
  }
  try {
    const segment = readSegment(ports.primitives, car);
    const { manifest } = segment;
    requireNamed(name, kind, manifest);
    const { dataset, head, signature } = manifest;
    const signer = recoverHeadSigner(ports.ledger.domain, { dataset, ...head }, signature);
    const entry: SegmentEntry = { ...received, ...fieldsOf(segment), state: 'received', sizeBytes: car.length, signer };
    let reason = whyNotWriter(writers.charters, writers.onChain, manifest, signer);
    if (reason !== null && byTable !== null) {
      // A device named a moment ago must find itself here, or its segment would be turned away.
      writers = await writersByChain(ports, name.dataset, signal);
      reason = whyNotWriter(writers.charters, writers.onChain, manifest, signer);
    }
    const charter = charterInForceOf(writers.onChain, writers.charters);
    if (reason === null) return { entry, owner, manifest, charter };
    return { entry: { ...entry, state: 'rejected', rejection: 'signer', reason }, owner, manifest, charter };
  } catch (error) {
    if (!(error instanceof SegmentError || error instanceof ProofError)) throw error;
    return reject('content', error.shortMessage, car.length, owner);
  }
}

/** Who may write a dataset. */
interface Writers {
  readonly charters: readonly KeptCharter[];
  readonly onChain: ChainDevice | null;
}

/** As the anchor has followed the chain; null where the chain is to be asked. */
async function writersByTable(ports: InspectPorts, dataset: DatasetId, signal?: AbortSignal): Promise<Writers | null> {
  const charters = await readFollowedCharters(ports, ports.memory.followed, dataset, signal);
  return charters === null || charters.length === 0 ? null : { charters, onChain: chainDeviceOf(charters) };
}

async function writersByChain(ports: InspectPorts, dataset: DatasetId, signal?: AbortSignal): Promise<Writers> {
  const onChain = (await ports.ledger.readDevices([dataset], 'latest', signal)).devices[0] ?? null;
  return { charters: await learnCharters(ports, dataset, onChain, signal, ports.memory.charters), onChain };
}

function requireNamed(name: SegmentName, kind: DatasetKind, manifest: Manifest): void {
  if (manifest.dataset !== name.dataset || manifest.first !== name.first) {
    const said = `dataset ${manifest.dataset}, first block ${manifest.first}`;
    throw new SegmentError(`The manifest is for ${said}, but the object's name says otherwise.`, 'manifest');
  }
  if (manifestKind(manifest) !== kind) {
    throw new SegmentError(`It has kind ${manifestKind(manifest)}, but its dataset has kind ${kind}.`, 'manifest');
  }
  // Whoever attaches names any object of the bucket: that is nothing to be taken on a device's word.
  if (kind === ATTACHED)
    throw new SegmentError('This service stores blocks and does not take attached objects.', 'manifest');
}

function fieldsOf({ manifest, frontBytes }: ReadSegment) {
  const times = manifest.blocks.map((block) => decodeMeta(block.meta).at);
  return {
    count: manifest.blocks.length,
    headSize: manifest.head.size,
    headRoot: manifest.head.root.slice(),
    signature: manifest.signature.slice(),
    serial: manifest.serial,
    frontBytes,
    largestBlockBytes: Math.max(...manifest.blocks.map((block) => block.size)),
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
  };
}
