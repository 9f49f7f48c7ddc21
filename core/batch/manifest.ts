import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { parseAttachedObject } from '../block/attached-object.ts';
import { NONCE_BYTES } from '../block/content-keys.ts';
import { type BlockMeta, decodeMeta } from '../block/meta.ts';
import { fromHex, to0x } from '../bytes.ts';
import { decodeCanonical, type Refuse, requireBytes, requireInteger, requireList, requireMap } from '../dag-cbor.ts';
import { SegmentError } from '../errors.ts';
import type { ChunkRoot, DatasetId, LogRoot, Nonce, Salt, Sha256 } from '../ids.ts';
import { MAX_BATCH_BLOCKS, MAX_BLOCK_BYTES, MAX_LOG_BLOCKS, MAX_MANIFEST_BYTES, RECORD_BYTES } from '../limits.ts';
import { parseRecord, recordBytes } from '../log/record.ts';
import type { Primitives } from '../ports/primitives.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';
import { requireBoundObject, requireCoherent } from './coherent-manifest.ts';
import type { Manifest, ManifestBlock } from './manifest-fields.ts';

type Hasher = Pick<Primitives, 'sha256'>;

const RAW = 0x55;
const SHA2_256 = 0x12;

/** CIDv1, sha2-256, of these 32 bytes. */
export function sha256Cid(codec: number, sha256: Uint8Array): CID {
  return CID.createV1(codec, Digest.create(SHA2_256, sha256));
}

/** The CID of a raw leaf: a block's SHA-256 in IPFS's spelling. */
export function rawCid(sha256: Sha256): CID {
  return sha256Cid(RAW, sha256);
}

/** Canonical dag-cbor of a manifest. @throws SegmentError when it is one that a reader would refuse */
export function encodeManifest(hasher: Hasher, manifest: Manifest): Uint8Array {
  const bytes = dagCbor.encode({
    v: 2,
    dataset: fromHex(manifest.dataset, 'dataset id', 32),
    serial: manifest.serial,
    first: manifest.first,
    salt: manifest.salt,
    nonce: manifest.nonce,
    head: { size: manifest.head.size, root: manifest.head.root },
    signature: manifest.signature,
    blocks: manifest.blocks.map((block) => ({
      cid: rawCid(block.sha256),
      size: block.size,
      chunkRoot: block.chunkRoot,
      meta: block.meta,
      record: recordBytes(block.record),
      ...(block.object === null ? {} : { object: { ...block.object } }),
    })),
  });
  decodeManifest(hasher, bytes);
  return bytes;
}

/**
 * Reads a manifest strictly: canonical dag-cbor, every field bounded, kind, sizes and places coherent. Whether records and
 * head are true is not known from this.
 * @throws SegmentError naming the field
 */
export function decodeManifest(hasher: Hasher, bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new SegmentError(`The manifest has ${bytes.length} bytes; at most ${MAX_MANIFEST_BYTES} fit.`, 'manifest');
  }
  const map = requireMap(decodeCanonical(bytes, 'manifest', refuse), 'manifest', MANIFEST_FIELDS, refuse);
  if (map.v !== 2) throw new SegmentError('The format version must be 2.', 'manifest.v');
  const head = requireMap(map.head, 'manifest.head', ['size', 'root'], refuse);
  const list = requireList(map.blocks, 'manifest.blocks', refuse);
  if (list.length < 1 || list.length > MAX_BATCH_BLOCKS) {
    refuse(`A batch has 1 to ${MAX_BATCH_BLOCKS} blocks, not ${list.length}.`, 'manifest.blocks');
  }
  const manifest: Manifest = {
    dataset: to0x(requireBytes(map.dataset, 'manifest.dataset', refuse, 32)) as DatasetId,
    serial: requireInteger(map.serial, 'manifest.serial', 1, 0xffff_ffff, refuse),
    first: requireInteger(map.first, 'manifest.first', 0, MAX_LOG_BLOCKS - 1, refuse),
    salt: requireBytes(map.salt, 'manifest.salt', refuse, 32) as Salt,
    nonce: map.nonce === null ? null : (requireBytes(map.nonce, 'manifest.nonce', refuse, NONCE_BYTES) as Nonce),
    head: {
      size: requireInteger(head.size, 'manifest.head.size', 1, MAX_LOG_BLOCKS, refuse),
      root: requireBytes(head.root, 'manifest.head.root', refuse, 32) as LogRoot,
    },
    signature: requireBytes(map.signature, 'manifest.signature', refuse, SIGNATURE_BYTES),
    blocks: list.map((value, number) => decodeBlock(hasher, value, `manifest.blocks[${number}]`)),
  };
  requireCoherent(manifest);
  return manifest;
}

const MANIFEST_FIELDS = ['v', 'dataset', 'serial', 'first', 'salt', 'nonce', 'head', 'signature', 'blocks'];
const BLOCK_FIELDS = ['cid', 'size', 'chunkRoot', 'meta', 'record'];

const refuse: Refuse = (what, where, cause) => {
  throw new SegmentError(what, where, cause === undefined ? {} : { cause });
};

function decodeBlock(hasher: Hasher, value: unknown, where: string): ManifestBlock {
  const map = requireMap(value, where, BLOCK_FIELDS, refuse, ['object']);
  // A decoded link is a CID; `CID.asCID` would also take a hostile map that only looks like one.
  const cid = map.cid instanceof CID ? map.cid : null;
  if (cid?.version !== 1 || cid.code !== RAW || cid.multihash.code !== SHA2_256 || cid.multihash.size !== 32) {
    throw new SegmentError("A block's link must be a CIDv1 with the raw codec and sha2-256.", `${where}.cid`);
  }
  const meta = requireBytes(map.meta, `${where}.meta`, refuse);
  const object = Object.hasOwn(map, 'object') ? parseAttachedObject(map.object, `${where}.object`, refuse) : null;
  requireBoundObject(hasher, object, readMeta(meta, `${where}.meta`).object, where);
  return {
    sha256: cid.multihash.digest as Sha256,
    size: requireInteger(map.size, `${where}.size`, 1, MAX_BLOCK_BYTES, refuse),
    chunkRoot: requireBytes(map.chunkRoot, `${where}.chunkRoot`, refuse, 32) as ChunkRoot,
    meta,
    record: parseRecord(requireBytes(map.record, `${where}.record`, refuse, RECORD_BYTES)),
    object,
  };
}

function readMeta(meta: Uint8Array, where: string): BlockMeta {
  try {
    return decodeMeta(meta);
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : 'The meta is malformed.', where, cause);
  }
}
