import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { MAX_DELIVERED_BLOCKS, packKeys, requireDeliverable, SURE_BLOCKS } from '../../client/sale/pack-keys.ts';
import { pathFromMultiproof } from '../../client/sale/path-from-multiproof.ts';
import { type BatchArchive, buildBatchKeys, ownBatch } from '../../core/agreement/build-keys.ts';
import { type BatchKeys, encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { MAX_MESSAGES } from '../../core/agreement/message.ts';
import { MAX_PLAINTEXT_BYTES } from '../../core/agreement/seal-message.ts';
import { commitContent, contentBatchKey } from '../../core/block/content-cipher.ts';
import type { Opening } from '../../core/block/digest.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import type { DatasetId, DatasetKey, Salt } from '../../core/ids.ts';
import { inclusionPath, rootOfLeafHashes } from '../../core/log/merkle.ts';
import { multiproof } from '../../core/log/multiproof.ts';

const random = (size: number) => new Uint8Array(randomBytes(size));
const datasetKey = random(32) as DatasetKey;

/** Keys of all blocks of a batch that begins far out, so that its numbers are long. */
function keysOf(first: number, count: number, position: number): BatchKeys {
  const nonce = random(16);
  const archive: BatchArchive = {
    ...{ dataset: `0x${'d5'.repeat(32)}` as DatasetId, first, salt: random(32) as Salt, nonce, published: true },
    contentCommitment: commitContent(nodePrimitives, contentBatchKey(nodePrimitives, datasetKey, nonce)),
    blocks: Array.from({ length: count }, () => {
      return { size: 2 ** 20, sha256: random(32), chunkRoot: random(32), metaHash: random(32) } as unknown as Opening;
    }),
  };
  const wanted = archive.blocks.map((_, i) => first + i);
  const batch = ownBatch(nodePrimitives, datasetKey, archive);
  return buildBatchKeys(nodePrimitives, datasetKey, batch, position, wanted, false);
}

describe('keys cut into messages', () => {
  const far = Number.MAX_SAFE_INTEGER - 5000;

  it('fit, keep their order, and lose none, whatever the batches are like', () => {
    const counts = [1024, 1, 1, 7, 300, ...Array(150).fill(1), 2];
    let first = far;
    const batches = counts.map((count, i) => {
      const keys = keysOf(first, count, 0xffff_0000 + i);
      first += count;
      return keys;
    });
    const messages = packKeys(batches);
    for (const message of messages) assert.ok(encodeKeyPayload(message).length <= MAX_PLAINTEXT_BYTES);
    const indices = messages.flat().flatMap((batch) => batch.blocks.map(({ index }) => index));
    assert.deepEqual(
      indices,
      batches.flatMap((batch) => batch.blocks.map(({ index }) => index)),
    );
    const least = Math.min(...messages.slice(0, -1).map((message) => encodeKeyPayload(message).length));
    assert.ok(least > MAX_PLAINTEXT_BYTES * 0.9, 'messages are full');
  });

  it('are as many a message as offers are measured by', () => {
    assert.equal(
      packKeys([{ ...keysOf(far, 1024, 1), blocks: keysOf(far, 1024, 1).blocks.slice(0, SURE_BLOCKS) }]).length,
      1,
    );
    const eights = Array.from({ length: SURE_BLOCKS >> 3 }, (_, i) => keysOf(far + 8 * i, 8, i));
    assert.equal(packKeys(eights).length, 1);
    assert.ok(SURE_BLOCKS > 80);
  });

  it('of an offer fit into a mailbox, or it is not made', () => {
    requireDeliverable({ count: MAX_DELIVERED_BLOCKS - 460, samples: 460 });
    assert.throws(() => requireDeliverable({ count: MAX_DELIVERED_BLOCKS, samples: 1 }), ArgumentError);
    assert.ok(MAX_DELIVERED_BLOCKS / SURE_BLOCKS < MAX_MESSAGES);
  });
});

describe('the path of one batch out of a multiproof', () => {
  for (const size of [1, 2, 3, 5, 8, 13, 64, 257]) {
    it(`is RFC 9162's, in a log of ${size}`, async () => {
      const leaves = Array.from({ length: size }, () => random(32));
      const subtree = (from: number, to: number) => rootOfLeafHashes(nodePrimitives, leaves.slice(from, to));
      for (let leaf = 0; leaf < size; leaf++) {
        const nodes = await multiproof([leaf], size, subtree);
        assert.deepEqual(pathFromMultiproof(leaf, size, nodes), inclusionPath(nodePrimitives, leaves, leaf));
        assert.throws(() => pathFromMultiproof(leaf, size, [...nodes, random(32)]), ProofError);
        if (size > 1) assert.throws(() => pathFromMultiproof(leaf, size, nodes.slice(1)), ProofError);
      }
      assert.throws(() => pathFromMultiproof(size, size, []), ProofError);
    });
  }
});
