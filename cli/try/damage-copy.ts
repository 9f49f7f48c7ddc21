import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import { readSegmentFront, type SegmentFront } from '../../core/batch/read-segment.ts';
import { equalBytes } from '../../core/bytes.ts';
import { SegmentError, StateError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ObjectLister, ObjectStore } from '../../core/ports/object-store.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import { type Connection, openBucket, openLedger } from '../../library/connection.ts';
import { startS3 } from '../../local/s3/start-s3.ts';
import type { TryFolder } from './try-folder.ts';

/** What verifying a damaged copy has shown; or that no copy was made, because the stored segment is damaged itself. */
export type DamageSeen = CopyVerified | StoredDamage;

export interface CopyVerified {
  /** The block in which one bit was flipped. */
  readonly block: number;
  /** Blocks of the copy. */
  readonly checked: number;
  /** Whether that block, and no other, is named as corrupted. */
  readonly seen: boolean;
}

export interface StoredDamage {
  /** Blocks of the stored segment whose bytes its manifest does not list; null if its manifest is damaged. */
  readonly stored: readonly number[] | null;
}

const BUCKET = 'damaged-copy';
const REGION = 'us-east-1';

/**
 * Copies one stored segment into an object store of its own, flips one bit of a block there, and verifies the copy against the
 * chain as an owner verifies a bucket. It only reads what is stored. Reading all of it finds damage that a random chunk of each
 * block can miss; then there is nothing left to demonstrate.
 */
export async function damageCopy(
  folder: TryFolder,
  parts: {
    readonly connection: Connection;
    readonly service: StorageService;
    readonly dataset: DatasetId;
    readonly datasetKeyOf: DatasetKeyOf;
  },
  signal: AbortSignal,
): Promise<DamageSeen> {
  const { connection, service, dataset, datasetKeyOf } = parts;
  const { key, bytes } = await readSegmentOf(connection, dataset, signal);
  const front = readFront(bytes);
  if (front === null) return { stored: null };
  const stored = damagedBlocks(front, bytes);
  if (stored.length > 0) return { stored };
  const { manifest, offsets } = front;
  const number = Math.floor(manifest.blocks.length / 2);
  const [offset, size] = [offsets[number] as number, manifest.blocks[number]?.size as number];
  const middle = offset + Math.floor(size / 2);
  bytes[middle] = (bytes[middle] as number) ^ 1;

  const dataDir = await mkdtemp(join(folder.path, 'damaged-copy-'));
  const keys = { accessKey: 'PLUMBTRYDAMAGEDCOPY', secretKey: randomBytes(30).toString('base64url') };
  const s3 = await startS3({ dataDir, region: REGION, buckets: [BUCKET], ...keys });
  const credentials = { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey };
  const copy = createS3ObjectStore({ region: REGION, bucket: BUCKET, endpoint: s3.endpoint, credentials });
  try {
    if (!(await copy.put(key, bytes, signal))) throw new StoreUnavailableError('The copy could not be written.');
    const range = { from: manifest.first, to: manifest.first + manifest.blocks.length - 1 };
    const report = await verifyRetrievable(
      { primitives: nodePrimitives, ledger: openLedger(connection), records: service },
      { from: 's3', bucket: copy },
      { dataset, datasetKeyOf, anchor: 'final', fromBlock: connection.fromBlock, range },
      () => {},
      signal,
    );
    const block = manifest.first + number;
    const [first, ...others] = report.notIntact;
    const seen = others.length === 0 && first?.index === block && first.verdict === 'corrupted';
    return { block, checked: report.checked, seen };
  } finally {
    copy.close();
    await s3.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function readFront(bytes: Uint8Array): SegmentFront | null {
  try {
    return readSegmentFront(nodePrimitives, bytes);
  } catch (error) {
    if (error instanceof SegmentError) return null;
    throw error;
  }
}

function damagedBlocks({ manifest, offsets }: SegmentFront, bytes: Uint8Array): number[] {
  return manifest.blocks.flatMap(({ size, sha256 }, number) => {
    const offset = offsets[number] as number;
    const isListed = equalBytes(nodePrimitives.sha256(bytes.subarray(offset, offset + size)), sha256);
    return isListed ? [] : [manifest.first + number];
  });
}

/** The first segment that the storage has of a dataset. */
async function readSegmentOf(
  connection: Connection,
  dataset: DatasetId,
  signal: AbortSignal,
): Promise<{ readonly key: string; readonly bytes: Uint8Array }> {
  const bucket = await openBucket(connection);
  if (bucket === null) throw new StateError('The stack has no bucket.');
  try {
    const key = await firstSegment(bucket, dataset, signal);
    const sizeBytes = await bucket.size(key, signal);
    const bytes = sizeBytes === null ? null : await bucket.read(key, { start: 0, end: sizeBytes }, signal);
    if (bytes === null) throw new StoreUnavailableError(`The storage no longer has ${key}.`);
    return { key, bytes };
  } finally {
    bucket.close();
  }
}

async function firstSegment(
  bucket: ObjectLister & ObjectStore,
  dataset: DatasetId,
  signal: AbortSignal,
): Promise<string> {
  for await (const key of bucket.list(`${dataset.slice(2)}/`, signal)) if (key.endsWith('.car')) return key;
  throw new StoreUnavailableError('The storage has no segment of this dataset.');
}
