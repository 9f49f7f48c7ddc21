import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { isPlain, NONCE_BYTES } from '../block/content-cipher.ts';
import { decodeMeta } from '../block/meta.ts';
import { equalBytes, fromHex, to0x } from '../bytes.ts';
import { SegmentError } from '../errors.ts';
import type {
  ChunkRoot,
  Commitment,
  ContentCommitment,
  DatasetId,
  LogRoot,
  Salt,
  SealedDigest,
  Sha256,
} from '../ids.ts';
import {
  GCM_TAG_BYTES,
  MAX_BATCH_BLOCKS,
  MAX_BATCH_BYTES,
  MAX_BLOCK_BYTES,
  MAX_CONTENT_BYTES,
  MAX_MANIFEST_BYTES,
} from '../limits.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';

/** One block's line in the manifest. `sha256` stands in the file as a raw CIDv1. */
export interface ManifestBlock {
  readonly sha256: Sha256;
  readonly size: number;
  readonly chunkRoot: ChunkRoot;
  /** Canonical dag-cbor of the block's meta. */
  readonly meta: Uint8Array;
  readonly sealed: SealedDigest;
  readonly commitment: Commitment;
}

/** What a segment says about itself (design §4). */
export interface Manifest {
  readonly dataset: DatasetId;
  readonly first: number;
  readonly salt: Salt;
  /** 16 bytes; null when the dataset is plain. */
  readonly nonce: Uint8Array | null;
  readonly contentCommitment: ContentCommitment;
  readonly published: boolean;
  /** The log's head after this batch. */
  readonly head: { readonly size: number; readonly batches: number; readonly root: LogRoot };
  readonly signature: Uint8Array;
  readonly blocks: readonly ManifestBlock[];
}

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
export function encodeManifest(manifest: Manifest): Uint8Array {
  const bytes = dagCbor.encode({
    v: 1,
    dataset: fromHex(manifest.dataset, 'dataset id', 32),
    first: manifest.first,
    salt: manifest.salt,
    nonce: manifest.nonce,
    contentCommitment: manifest.contentCommitment,
    published: manifest.published,
    head: { size: manifest.head.size, batches: manifest.head.batches, root: manifest.head.root },
    signature: manifest.signature,
    blocks: manifest.blocks.map((block) => ({
      cid: rawCid(block.sha256),
      size: block.size,
      chunkRoot: block.chunkRoot,
      meta: block.meta,
      sealed: block.sealed,
      commitment: block.commitment,
    })),
  });
  decodeManifest(bytes);
  return bytes;
}

/** Reads a manifest strictly. @throws SegmentError naming the field */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new SegmentError(`The manifest has ${bytes.length} bytes; at most ${MAX_MANIFEST_BYTES} fit.`, 'manifest');
  }
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new SegmentError('The manifest is not dag-cbor.', 'manifest', { cause });
  }
  const map = requireMap(value, 'manifest', MANIFEST_FIELDS);
  if (map.v !== 1) throw new SegmentError('The format version is not 1.', 'manifest.v');
  const head = requireMap(map.head, 'manifest.head', HEAD_FIELDS);
  const manifest: Manifest = {
    dataset: to0x(requireBytes(map.dataset, 'manifest.dataset', 32)) as DatasetId,
    first: requireInteger(map.first, 'manifest.first', 0, Number.MAX_SAFE_INTEGER),
    salt: requireBytes(map.salt, 'manifest.salt', 32) as Salt,
    nonce: map.nonce === null ? null : requireBytes(map.nonce, 'manifest.nonce', NONCE_BYTES),
    contentCommitment: requireBytes(map.contentCommitment, 'manifest.contentCommitment', 32) as ContentCommitment,
    published: requireFlag(map.published, 'manifest.published'),
    head: {
      size: requireInteger(head.size, 'manifest.head.size', 1, Number.MAX_SAFE_INTEGER),
      batches: requireInteger(head.batches, 'manifest.head.batches', 1, 0xffff_ffff),
      root: requireBytes(head.root, 'manifest.head.root', 32) as LogRoot,
    },
    signature: requireBytes(map.signature, 'manifest.signature', SIGNATURE_BYTES),
    blocks: requireList(map.blocks, 'manifest.blocks').map(decodeBlock),
  };
  requireConsistent(manifest);
  if (!equalBytes(dagCbor.encode(value), bytes)) {
    throw new SegmentError('The manifest is not canonical dag-cbor.', 'manifest');
  }
  return manifest;
}

const MANIFEST_FIELDS = [
  ...['v', 'dataset', 'first', 'salt', 'nonce', 'contentCommitment', 'published', 'head', 'signature', 'blocks'],
];
const HEAD_FIELDS = ['size', 'batches', 'root'];
const BLOCK_FIELDS = ['cid', 'size', 'chunkRoot', 'meta', 'sealed', 'commitment'];

function decodeBlock(value: unknown, number: number): ManifestBlock {
  const where = `manifest.blocks[${number}]`;
  const map = requireMap(value, where, BLOCK_FIELDS);
  // A decoded link is a CID; `CID.asCID` would also take a hostile map that only looks like one.
  const cid = map.cid instanceof CID ? map.cid : null;
  if (cid?.version !== 1 || cid.code !== RAW || cid.multihash.code !== SHA2_256 || cid.multihash.size !== 32) {
    throw new SegmentError('A block is linked by a CIDv1 with the raw codec and sha2-256.', `${where}.cid`);
  }
  const meta = requireBytes(map.meta, `${where}.meta`);
  try {
    decodeMeta(meta);
  } catch (cause) {
    throw new SegmentError(cause instanceof Error ? cause.message : 'The meta is malformed.', `${where}.meta`, {
      cause,
    });
  }
  return {
    sha256: cid.multihash.digest as Sha256,
    size: requireInteger(map.size, `${where}.size`, 1, MAX_BLOCK_BYTES),
    chunkRoot: requireBytes(map.chunkRoot, `${where}.chunkRoot`, 32) as ChunkRoot,
    meta,
    sealed: requireBytes(map.sealed, `${where}.sealed`, 32) as SealedDigest,
    commitment: requireBytes(map.commitment, `${where}.commitment`, 32) as Commitment,
  };
}

function requireConsistent(manifest: Manifest): void {
  const { first, head, blocks } = manifest;
  if (blocks.length < 1 || blocks.length > MAX_BATCH_BLOCKS) {
    throw new SegmentError(`A batch has 1 to ${MAX_BATCH_BLOCKS} blocks, not ${blocks.length}.`, 'manifest.blocks');
  }
  const total = blocks.reduce((sum, block) => sum + block.size, 0);
  if (total > MAX_BATCH_BYTES) {
    throw new SegmentError(`The blocks add up to ${total} bytes; at most ${MAX_BATCH_BYTES} fit.`, 'manifest.blocks');
  }
  if (head.size !== first + blocks.length) {
    throw new SegmentError(
      `The head has ${head.size} blocks; it must have ${first + blocks.length}.`,
      'manifest.head.size',
    );
  }
  // Every earlier batch has at least one block. (Whether it has too many is not this segment's to show.)
  if (first < head.batches - 1) {
    throw new SegmentError(`${first} blocks cannot fill ${head.batches - 1} batches.`, 'manifest.head.batches');
  }
  const plain = isPlain(manifest.contentCommitment);
  if (plain !== (manifest.nonce === null)) {
    throw new SegmentError(
      'A plain batch has neither nonce nor content commitment, another has both.',
      'manifest.nonce',
    );
  }
  // Content has 1 byte to 1 MiB - 16 in both cases; only an encrypted block has a tag on top.
  const [least, most] = plain ? [1, MAX_CONTENT_BYTES] : [1 + GCM_TAG_BYTES, MAX_BLOCK_BYTES];
  const number = blocks.findIndex((block) => block.size < least || block.size > most);
  if (number >= 0) {
    throw new SegmentError(
      `${plain ? 'A plain' : 'An encrypted'} block of ${blocks[number]?.size} bytes is not allowed; ${least} to ${most} are.`,
      `manifest.blocks[${number}].size`,
    );
  }
}

function requireMap(value: unknown, where: string, fields: readonly string[]): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) {
    throw new SegmentError('A map is wanted here.', where);
  }
  if (value instanceof CID) throw new SegmentError('A map is wanted here, not a link.', where);
  const map = value as Record<string, unknown>;
  for (const field of fields) {
    if (!Object.hasOwn(map, field)) throw new SegmentError(`The field ${field} is missing.`, where);
  }
  for (const field of Object.keys(map)) {
    if (!fields.includes(field))
      throw new SegmentError(`The field ${JSON.stringify(field.slice(0, 40))} is unknown.`, where);
  }
  return map;
}

function requireBytes(value: unknown, where: string, length?: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new SegmentError('A byte string is wanted here.', where);
  if (length !== undefined && value.length !== length) {
    throw new SegmentError(`${value.length} bytes are given; ${length} are wanted.`, where);
  }
  return value;
}

function requireInteger(value: unknown, where: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw new SegmentError(`An integer from ${least} to ${most} is wanted here.`, where);
  }
  return value;
}

function requireFlag(value: unknown, where: string): boolean {
  if (typeof value !== 'boolean') throw new SegmentError('true or false is wanted here.', where);
  return value;
}

function requireList(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new SegmentError('A list is wanted here.', where);
  return value;
}
