/** A block that is for sale, with all that an answer about it shows: specification#formats, from its bytes up. */
import { getBytes } from 'ethers';
import { type GrowingLog, hashNode, nextBytes32, sha256 } from './growing-log.ts';

const CHUNK_BYTES = 1024;

export interface SoldBlock {
  readonly sealedDigest: Buffer;
  readonly commitment: Buffer;
  readonly contentCommitment: Buffer;
  readonly blockKey: Buffer;
  readonly contentKey: Buffer;
  readonly size: number;
  readonly blockHash: Buffer;
  readonly metaHash: Buffer;
  readonly chunks: readonly Buffer[];
}

/** What `OCASC.respond` takes. */
export interface BlockAnswer {
  readonly sealedDigest: Buffer;
  readonly commitment: Buffer;
  readonly contentCommitment: Buffer;
  readonly path: readonly Buffer[];
  readonly key: Buffer;
  readonly size: number;
  readonly blockHash: Buffer;
  readonly metaHash: Buffer;
  readonly chunk: Buffer;
  readonly chunkPath: readonly Buffer[];
}

/** A made-up block of so many bytes at one index of a dataset. */
export function makeSoldBlock(log: GrowingLog, index: number, size: number): SoldBlock {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 32) nextBytes32().copy(bytes, at);
  const chunks: Buffer[] = [];
  for (let at = 0; at < size; at += CHUNK_BYTES) chunks.push(bytes.subarray(at, at + CHUNK_BYTES));
  const [blockKey, contentKey, metaHash, blockHash] = [nextBytes32(), nextBytes32(), nextBytes32(), sha256(bytes)];
  const place = Buffer.alloc(12);
  place.writeBigUInt64BE(BigInt(index));
  place.writeUInt32BE(size, 8);
  const chunkRoot = treeRoot(chunks.map(hashLeaf));
  const dataset = Buffer.from(getBytes(log.dataset));
  const digest = sha256(Buffer.concat([Buffer.of(0x02), dataset, place, blockHash, chunkRoot, metaHash]));
  const mask = tagged(0x13, blockKey);
  return {
    sealedDigest: digest.map((byte, i) => byte ^ mask[i]!) as Buffer,
    commitment: tagged(0x14, blockKey),
    contentCommitment: tagged(0x22, contentKey),
    blockKey,
    contentKey,
    size,
    blockHash,
    metaHash,
    chunks,
  };
}

/** H(00 ‖ record). */
export function recordHash({ sealedDigest, commitment, contentCommitment }: SoldBlock): Buffer {
  return hashLeaf(Buffer.concat([sealedDigest, commitment, contentCommitment]));
}

/** Shows a chunk. */
export function showChunk(block: SoldBlock, index: number, path: readonly Buffer[]): BlockAnswer {
  const { blockKey, chunks, size, blockHash, metaHash } = block;
  const chunkPath = treePath(chunks.map(hashLeaf), index);
  return { ...recordOf(block), path, key: blockKey, size, blockHash, metaHash, chunk: chunks[index]!, chunkPath };
}

/** Shows the content key. */
export function showKey(block: SoldBlock, path: readonly Buffer[]): BlockAnswer {
  const none = Buffer.alloc(32);
  const nothing = { size: 0, blockHash: none, metaHash: none, chunk: Buffer.alloc(0), chunkPath: [] };
  return { ...recordOf(block), path, key: block.contentKey, ...nothing };
}

/** The root of a perfect tree whose first leaf is given, with made-up siblings, which are the path. */
export function plantFirst(leaf: Buffer, leaves: number): { root: Buffer; path: Buffer[] } {
  const path: Buffer[] = [];
  let root = leaf;
  for (let width = 1; width < leaves; width *= 2) {
    const sibling = nextBytes32();
    path.push(sibling);
    root = hashNode(root, sibling);
  }
  return { root, path };
}

function recordOf({ sealedDigest, commitment, contentCommitment }: SoldBlock) {
  return { sealedDigest, commitment, contentCommitment };
}

function hashLeaf(leaf: Uint8Array): Buffer {
  return tagged(0x00, leaf);
}

function tagged(tag: number, data: Uint8Array): Buffer {
  return sha256(Buffer.concat([Buffer.of(tag), data]));
}

function treeRoot(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 1) return hashes[0]!;
  const split = largestPowerBelow(hashes.length);
  return hashNode(treeRoot(hashes.slice(0, split)), treeRoot(hashes.slice(split)));
}

function treePath(hashes: readonly Buffer[], index: number): Buffer[] {
  if (hashes.length === 1) return [];
  const split = largestPowerBelow(hashes.length);
  const [left, right] = [hashes.slice(0, split), hashes.slice(split)];
  return index < split
    ? [...treePath(left, index), treeRoot(right)]
    : [...treePath(right, index - split), treeRoot(left)];
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (2 * power < count) power *= 2;
  return power;
}
