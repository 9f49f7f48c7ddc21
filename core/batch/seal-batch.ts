import { type AttachedObject, attachedObjectHash } from '../block/attached-object.ts';
import { encryptContent, requireContentSize } from '../block/content-cipher.ts';
import {
  batchNonce,
  commitContent,
  contentBatchKey,
  contentKey,
  PLAIN_COMMITMENT,
  readKey,
} from '../block/content-keys.ts';
import { blockDigest, type Opening, openBlock } from '../block/digest.ts';
import { type BlockMeta, encodeMeta } from '../block/meta.ts';
import { auditKey, batchSalt, blockKeys, commitKey, sealDigest } from '../block/seal.ts';
import { ATTACHED, type DatasetKind, ENCRYPTED } from '../charter/kind.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import { ArgumentError } from '../errors.ts';
import type { ContentKey, DatasetId, DatasetKey, PrivateKey } from '../ids.ts';
import { MAX_BATCH_BLOCKS } from '../limits.ts';
import { signHead } from '../log/head.ts';
import { appendLeaves, type Peaks, rootOfPeaks } from '../log/peaks.ts';
import { recordHash } from '../log/record.ts';
import type { Primitives } from '../ports/primitives.ts';
import { buildSegment, type Segment } from './build-segment.ts';
import type { Manifest, ManifestBlock } from './manifest-fields.ts';

/** What a dataset's device needs to seal. */
export interface DatasetWriter {
  readonly dataset: DatasetId;
  readonly kind: DatasetKind;
  /** Of the first charter that names this device. */
  readonly serial: number;
  readonly datasetKey: DatasetKey;
  readonly deviceKey: PrivateKey;
  readonly domain: DisscDomain;
}

/** A block to seal. `meta.object` is set here, from `object`. */
export interface CapturedBlock {
  readonly content: Uint8Array;
  readonly meta: Omit<BlockMeta, 'object'>;
  /** Where the content lies, in an attached dataset; absent in others. */
  readonly object?: AttachedObject;
}

export interface SealedBatch {
  readonly manifest: Manifest;
  readonly segment: Segment;
  /** Of the batch's records: a device keeps them until the batch is checked, so that others can prove its blocks. */
  readonly leafHashes: readonly Uint8Array[];
  /** The log's peaks after this batch. */
  readonly end: Peaks;
}

/**
 * Seals captured blocks into the next batch of a log: encrypts, digests, seals, signs the head, writes the segment. Tables II
 * and III, steps 1 to 3. `random16` must have been stored durably with the blocks before, and another drawn when they change; it
 * is ignored where nothing is encrypted.
 * @throws ArgumentError when blocks, metas or objects are out of bounds; SegmentError when all together are
 * @example
 * const { segment, end } = sealBatch(primitives, writer, EMPTY_PEAKS, [{ content, meta: { at: 1_790_000_000_000 } }], random16);
 * const { manifest } = readSegment(primitives, segment.car);
 * const { signer } = verifyBatch(primitives, { domain, dataset, kind: 0, before: EMPTY_PEAKS }, manifest);
 */
export function sealBatch(...batch: Parameters<typeof sealBatchInSteps>): SealedBatch {
  const steps = sealBatchInSteps(...batch);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/**
 * The same, with a pause behind every block: a large batch takes long, and a caller may have others to serve meanwhile.
 * @throws ArgumentError as `sealBatch`
 */
export function* sealBatchInSteps(
  primitives: Primitives,
  writer: DatasetWriter,
  before: Peaks,
  captured: readonly CapturedBlock[],
  random16: Uint8Array,
): Generator<void, SealedBatch> {
  requireBatchCount(captured.length);
  const { dataset, kind, datasetKey } = writer;
  const first = before.size;
  for (const { content } of captured) requireContentSize(content.length);
  const contents = captured.map(({ content }) => content);
  const nonce =
    kind === ENCRYPTED ? batchNonce(primitives, readKey(primitives, datasetKey), random16, first, contents) : null;
  const batchKey = nonce === null ? null : contentBatchKey(primitives, readKey(primitives, datasetKey), nonce);

  const stored: Uint8Array[] = [];
  const metas: Uint8Array[] = [];
  const openings: Opening[] = [];
  const keys: (ContentKey | null)[] = [];
  for (const [number, block] of captured.entries()) {
    const index = first + number;
    const key = batchKey === null ? null : contentKey(primitives, batchKey, index);
    const bytes = key === null ? block.content : encryptContent(primitives, key, { dataset, index }, block.content);
    const meta = encodeMeta(metaOf(primitives, kind, block));
    keys.push(key);
    stored.push(bytes);
    metas.push(meta);
    openings.push(openBlock(primitives, bytes, meta));
    yield;
  }

  const digests = openings.map((opening, number) =>
    blockDigest(primitives, { dataset, index: first + number }, opening),
  );
  const audit = auditKey(primitives, datasetKey);
  const salt = batchSalt(primitives, audit, first, digests);
  const blockKeyOf = blockKeys(primitives, audit, salt);
  const blocks = openings.map((opening, number): ManifestBlock => {
    const blockKey = blockKeyOf(first + number);
    const key = keys[number] ?? null;
    return {
      sha256: opening.sha256,
      size: opening.size,
      chunkRoot: opening.chunkRoot,
      meta: metas[number] as Uint8Array,
      record: {
        sealed: sealDigest(primitives, digests[number] as (typeof digests)[number], blockKey),
        commitment: commitKey(primitives, blockKey),
        contentCommitment: key === null ? PLAIN_COMMITMENT : commitContent(primitives, key),
      },
      object: captured[number]?.object ?? null,
    };
  });

  const leafHashes = blocks.map(({ record }) => recordHash(primitives, record));
  const end = appendLeaves(primitives, before, leafHashes);
  const head = { size: end.size, root: rootOfPeaks(primitives, end) };
  const signature = signHead(writer.domain, { dataset, ...head }, writer.deviceKey);
  const manifest: Manifest = { dataset, serial: writer.serial, first, salt, nonce, head, signature, blocks };
  return { manifest, segment: buildSegment(primitives, manifest, kind === ATTACHED ? [] : stored), leafHashes, end };
}

/** @throws ArgumentError unless 1 … 1,024 */
export function requireBatchCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_BATCH_BLOCKS) {
    throw new ArgumentError(`A batch of ${count} blocks is not allowed; 1 to ${MAX_BATCH_BLOCKS} fit. Split it.`);
  }
}

function metaOf(primitives: Primitives, kind: DatasetKind, { meta, object }: CapturedBlock): BlockMeta {
  if ((object !== undefined) !== (kind === ATTACHED)) {
    throw new ArgumentError('A block must name the object that holds it in an attached dataset, and only there.');
  }
  if ('object' in meta) throw new ArgumentError('Leave out the meta field object; sealing sets it.');
  return object === undefined ? meta : { ...meta, object: attachedObjectHash(primitives, object) };
}
