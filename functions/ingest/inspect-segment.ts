import { batchLeafOf } from '../../core/batch/seal-batch.ts';
import { readSegment } from '../../core/batch/segment.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { toHex } from '../../core/bytes.ts';
import { ProofError, SegmentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import { recoverHeadSigner } from '../../core/log/head.ts';
import type { ObjectReader, ServicePorts, ServiceSettings } from '../ports.ts';
import { quotaOf } from '../rights/quota-of.ts';
import type { Rejection, SegmentEntry } from '../state/entries.ts';

export interface SegmentName {
  readonly dataset: DatasetId;
  readonly first: number;
  readonly sha256Hex: string;
}

/** What became of a stored object when it was looked at; `owner` is null where its bytes count for nobody. */
export interface Inspected {
  readonly entry: SegmentEntry;
  readonly owner: Address | null;
}

export interface InspectPorts extends Pick<ServicePorts, 'primitives' | 'table' | 'ledger' | 'grants' | 'runtime'> {
  readonly objects: ObjectReader;
  readonly settings: () => Pick<ServiceSettings, 'owners' | 'grants' | 'cssAccount'>;
}

/**
 * Checks a stored segment in everything but its place in the log: bounds, name, framing, every block, the head's
 * signature by the dataset's device as the chain names it now. Null when there is no such object.
 */
export async function inspectSegment(
  ports: InspectPorts,
  key: string,
  name: SegmentName,
  signal?: AbortSignal,
): Promise<Inspected | null> {
  const received = {
    key,
    first: name.first,
    sha256Hex: name.sha256Hex,
    receivedAtMs: ports.runtime.nowMs(),
    counted: false,
  };
  const reject = (rejection: Rejection, reason: string, sizeBytes: number, owner: Address | null): Inspected => ({
    entry: { ...received, sizeBytes, state: 'rejected', rejection, reason: reason.slice(0, 1000) },
    owner,
  });

  // Not from what is kept: a device named a moment ago must find itself here, or its segment would be turned away.
  const [parties] = (await ports.ledger.readParties([name.dataset], 'latest', signal)).parties;
  const quotaBytes = parties ? await quotaOf(ports, name.dataset, parties.owner, signal) : null;
  if (parties === null || parties === undefined || quotaBytes === null) {
    const sizeBytes = await ports.objects.size(key, signal);
    if (sizeBytes === null) return null;
    return parties
      ? reject('not-served', `The owner ${parties.owner} is not served here.`, sizeBytes, null)
      : reject('dataset', 'The chain knows no such dataset.', sizeBytes, null);
  }
  const { owner, device } = parties;
  const car = await ports.objects.read(key, { start: 0, end: MAX_SEGMENT_BYTES + 1 }, signal);
  if (car === null) return null;
  const sha256Hex = toHex(ports.primitives.sha256(car));
  if (sha256Hex !== name.sha256Hex) {
    const sizeBytes = await ports.objects.size(key, signal);
    if (sizeBytes !== car.length && car.length <= MAX_SEGMENT_BYTES) {
      throw new StoreUnavailableError(`The store gave ${car.length} of the ${sizeBytes} bytes of ${key}. Try again.`);
    }
    const reason =
      car.length > MAX_SEGMENT_BYTES
        ? `The object has ${sizeBytes} bytes; at most ${MAX_SEGMENT_BYTES} fit.`
        : `The stored bytes hash to ${sha256Hex}, not to the hash in their name.`;
    return reject('bytes', reason, sizeBytes ?? car.length, owner);
  }
  try {
    const { manifest, frontBytes } = readSegment(ports.primitives, car);
    if (manifest.dataset !== name.dataset || manifest.first !== name.first) {
      const said = `dataset ${manifest.dataset}, first block ${manifest.first}`;
      return reject('content', `The manifest is that of ${said}; the name says another.`, car.length, owner);
    }
    const signer = recoverHeadSigner(
      ports.ledger.domain,
      { dataset: manifest.dataset, ...manifest.head },
      manifest.signature,
    );
    const leaf = batchLeafOf(ports.primitives, manifest);
    const times = manifest.blocks.map((block) => decodeMeta(block.meta).at);
    const entry: SegmentEntry = {
      ...received,
      state: 'received',
      sizeBytes: car.length,
      count: manifest.blocks.length,
      headSize: manifest.head.size,
      headBatches: manifest.head.batches,
      headRoot: manifest.head.root.slice(),
      signature: manifest.signature.slice(),
      signer,
      salt: leaf.salt.slice(),
      batchRoot: leaf.batchRoot,
      sealedHash: leaf.sealedHash,
      published: manifest.published,
      frontBytes,
      largestBlockBytes: Math.max(...manifest.blocks.map((block) => block.size)),
      fromMs: Math.min(...times),
      toMs: Math.max(...times),
    };
    if (signer === device) return { entry, owner };
    const reason = `The head is signed by ${signer}; the dataset's device is ${device}.`;
    return { entry: { ...entry, state: 'rejected', rejection: 'signer', reason }, owner };
  } catch (error) {
    if (!(error instanceof SegmentError || error instanceof ProofError)) throw error;
    return reject('content', error.shortMessage, car.length, owner);
  }
}
