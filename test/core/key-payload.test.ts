import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type BatchKeys, decodeKeyPayload, encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { MAX_PLAINTEXT_BYTES } from '../../core/agreement/seal-message.ts';
import { batchLeafHash, batchRootOf, recordHash } from '../../core/batch/record.ts';
import { EMPTY_LOG, sealBatch } from '../../core/batch/seal-batch.ts';
import { contentBatchKey, contentKey } from '../../core/block/content-cipher.ts';
import { blockDigest, type Opening } from '../../core/block/digest.ts';
import { metaHash } from '../../core/block/meta.ts';
import { blockKeys, openDigest } from '../../core/block/seal.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address, DatasetId, DatasetKey, LogRoot, PrivateKey } from '../../core/ids.ts';
import { inclusionPath, rootFromPath } from '../../core/log/merkle.ts';

const random = (size: number) => new Uint8Array(nodePrimitives.randomBytes(size));
const writer = {
  dataset: `0x${'d5'.repeat(32)}` as DatasetId,
  datasetKey: random(32) as DatasetKey,
  deviceKey: random(32) as PrivateKey,
  domain: { chainId: 31337, dissc: `0x${'d1'.repeat(20)}` as Address },
  published: false,
};

/** What an honest owner hands over for these blocks of a batch of so many. */
function keysOf(count: number, indices: readonly number[], options: { plain?: boolean; whole?: boolean } = {}) {
  const { plain = false, whole = false } = options;
  const captured = Array.from({ length: count }, (_, i) => ({ content: random(100 + i), meta: { at: i } }));
  const { manifest, leaf } = sealBatch(nodePrimitives, { ...writer, plain }, EMPTY_LOG, captured, random(16));
  const keyOf = blockKeys(nodePrimitives, writer.datasetKey, manifest.salt);
  const hashes = manifest.blocks.map((block) => recordHash(nodePrimitives, block));
  const batchKey = manifest.nonce === null ? null : contentBatchKey(nodePrimitives, writer.datasetKey, manifest.nonce);
  const keys: BatchKeys = {
    ...{ position: 0, first: 0, count, salt: manifest.salt, sealedHash: leaf.sealedHash },
    ...{ contentCommitment: manifest.contentCommitment, contentBatchKey: whole ? batchKey : null },
    blocks: indices.map((index) => {
      const block = manifest.blocks[index] as (typeof manifest.blocks)[number];
      const { size, sha256, chunkRoot, sealed, commitment } = block;
      const opening: Opening = { size, sha256, chunkRoot, metaHash: metaHash(nodePrimitives, block.meta) };
      const own = batchKey === null || whole ? null : contentKey(nodePrimitives, batchKey, index);
      const path = inclusionPath(nodePrimitives, hashes, index);
      return { index, opening, blockKey: keyOf(index), sealed, commitment, contentKey: own, path };
    }),
  };
  return { keys, root: manifest.head.root as LogRoot };
}

describe('keys in a message', () => {
  for (const [what, count, indices, options] of [
    ['one block of one', 1, [0], {}],
    ['some of 1,024', 1024, [0, 511, 1023], {}],
    ['all of a batch paid for whole', 5, [0, 1, 2, 3, 4], { whole: true }],
    ['blocks of a plain dataset', 3, [1, 2], { plain: true }],
  ] as const) {
    it(`of ${what} come back as they were, and lead from each opening to the log`, () => {
      const { keys, root } = keysOf(count, indices, options);
      const [read] = decodeKeyPayload(encodeKeyPayload([keys]));
      assert.deepEqual(read, keys);
      for (const block of read?.blocks ?? []) {
        const { index, opening, sealed, commitment, blockKey, path } = block;
        const digest = openDigest(nodePrimitives, sealed, commitment, blockKey);
        assert.deepEqual(digest, blockDigest(nodePrimitives, { dataset: writer.dataset, index }, opening));
        const tree = rootFromPath(nodePrimitives, recordHash(nodePrimitives, block), index, keys.count, path);
        const { first, salt, contentCommitment, sealedHash } = keys;
        const batchRoot = batchRootOf(nodePrimitives, contentCommitment, tree);
        const leaf = { dataset: writer.dataset, first, count, salt, batchRoot, sealedHash };
        assert.deepEqual(batchLeafHash(nodePrimitives, leaf), root, 'a log of one batch');
      }
    });
  }

  it('of 64 blocks of full batches fit into one message; too many are refused', () => {
    const { keys } = keysOf(
      1024,
      Array.from({ length: 1024 }, (_, i) => i),
    );
    const some = (blocks: number) => encodeKeyPayload([{ ...keys, blocks: keys.blocks.slice(0, blocks) }]);
    assert.ok(some(64).length <= MAX_PLAINTEXT_BYTES);
    assert.throws(() => some(1024), ArgumentError);
  });

  const { keys } = keysOf(4, [1, 3]);
  const [block] = keys.blocks as [BatchKeys['blocks'][number]];
  const { keys: plain } = keysOf(4, [1], { plain: true });
  const one = (change: object): BatchKeys => ({ ...keys, blocks: [{ ...block, ...change }] });
  const short = new Uint8Array(31) as never;
  const some32 = random(32) as never;
  for (const [what, batches] of Object.entries({
    'no batch': [],
    'no block': [{ ...keys, blocks: [] }],
    'a block before its batch': [{ ...keys, first: 2, blocks: keys.blocks.slice(0, 1) }],
    'a block behind its batch': [{ ...keys, count: 3 }],
    'a block twice': [{ ...keys, blocks: [block, block] }],
    'a batch twice': [
      { ...keys, blocks: [block] },
      { ...keys, blocks: keys.blocks.slice(1) },
    ],
    'a short key': [one({ blockKey: short })],
    'a path of eleven steps': [one({ path: Array.from({ length: 11 }, () => random(32)) })],
    'a path of half a step': [one({ path: [random(16)] })],
    'an empty block': [one({ opening: { ...block.opening, size: 0 } })],
    'a block above 1 MiB': [one({ opening: { ...block.opening, size: 2 ** 20 + 1 } })],
    'a batch of 1,025 blocks': [{ ...keys, count: 1025 }],
    'a content key beside the batch’s': [{ ...one({ contentKey: some32 }), contentBatchKey: some32 }],
    'a content key of a plain block': [
      { ...plain, blocks: plain.blocks.map((plainBlock) => ({ ...plainBlock, contentKey: some32 })) },
    ],
    'a content key of a plain batch': [{ ...plain, contentBatchKey: some32 }],
    'an index beyond safe integers': [{ ...keys, first: 2 ** 53, blocks: [{ ...block, index: 2 ** 53 }] }],
  } satisfies Record<string, BatchKeys[]>)) {
    it(`are refused with ${what}`, () => {
      assert.throws(() => encodeKeyPayload(batches));
      assert.throws(() => decodeKeyPayload(encodeUnchecked(batches)), ArgumentError);
    });
  }

  it('are refused when they are spelled in another way, cut, lengthened, of another version, or something else', () => {
    const bytes = encodeKeyPayload([keys]);
    const other: Record<string, Uint8Array> = {
      'a length in two bytes': Uint8Array.from([0x98, 2, ...bytes.subarray(1)]),
      cut: bytes.subarray(0, -1),
      lengthened: Uint8Array.from([...bytes, 0]),
      'another version': dagCbor.encode([2, (dagCbor.decode(bytes) as unknown[])[1]]),
      'a map': dagCbor.encode({ v: 1 }),
      nothing: new Uint8Array(0),
      'too long': dagCbor.encode(new Uint8Array(MAX_PLAINTEXT_BYTES)),
    };
    for (const [what, given] of Object.entries(other)) {
      assert.throws(() => decodeKeyPayload(given), ArgumentError, what);
    }
  });
});

function encodeUnchecked(batches: readonly BatchKeys[]): Uint8Array {
  const lines = batches.map((batch) => [
    ...[batch.position, batch.first, batch.count, batch.salt, batch.contentCommitment, batch.sealedHash],
    batch.contentBatchKey,
    batch.blocks.map((block) => {
      const { size, sha256, chunkRoot, metaHash } = block.opening;
      const path = Buffer.concat(block.path);
      return [
        ...[block.index, size, sha256, chunkRoot, metaHash],
        ...[block.blockKey, block.sealed, block.commitment, block.contentKey, new Uint8Array(path)],
      ];
    }),
  ]);
  return dagCbor.encode([1, lines]);
}
