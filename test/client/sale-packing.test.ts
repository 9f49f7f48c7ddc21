import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { GivenKeys } from '../../client/sale/build-keys-of.ts';
import type { HeldBatch } from '../../client/sale/collect-batch.ts';
import {
  encodeGiven,
  maxDeliveredBlocks,
  packKeys,
  requireDeliverable,
  sureBlocks,
} from '../../client/sale/pack-keys.ts';
import { pathFromMultiproof } from '../../client/sale/path-from-multiproof.ts';
import { countProofNodes, type ProvenRun, subsetProof } from '../../client/sale/subset-proof.ts';
import { MAX_MESSAGES } from '../../core/agreement/message.ts';
import { keysOfBlock, ownBatch } from '../../core/agreement/own-batch.ts';
import { MAX_PLAINTEXT_BYTES } from '../../core/agreement/seal-message.ts';
import type { Opening } from '../../core/block/digest.ts';
import { ArgumentError, ProofError, StateError } from '../../core/errors.ts';
import type { DatasetId, DatasetKey, Nonce, Salt } from '../../core/ids.ts';
import { inclusionPath } from '../../core/log/merkle.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { type BlockRecord, recordHash } from '../../core/log/record.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';

const random = (size: number) => new Uint8Array(randomBytes(size));
const datasetKey = random(32) as DatasetKey;
const FAR = 2 ** 47 + 12_345;
const FAR_SIZE = 2 ** 48 - 1;

/** A batch that is held whole, in a log of `size`; its proof is made up, as nobody verifies it here. */
function holdBatch(first: number, count: number, size: number): HeldBatch {
  const archive = {
    ...{ dataset: `0x${'d5'.repeat(32)}` as DatasetId, first, serial: 1_800_000_000 },
    ...{ salt: random(32) as Salt, nonce: random(16) as Nonce },
    blocks: Array.from({ length: count }, () => {
      return { size: 2 ** 20, sha256: random(32), chunkRoot: random(32), metaHash: random(32) } as unknown as Opening;
    }),
  };
  const batch = ownBatch(nodePrimitives, datasetKey, archive);
  const positions = archive.blocks.map((_, i) => first + i);
  const proof = Array.from({ length: countProofNodes(positions, size) }, () => random(32));
  return { archive, batch, run: { first, records: batch.blocks.map(({ record }) => record), proof }, isWhole: true };
}

function givenOf(held: HeldBatch, places: readonly number[], asWhole: boolean): GivenKeys[] {
  const { first, blocks } = held.archive;
  const key = held.batch.contentBatchKey;
  assert.ok(key);
  return places.map((place) => ({
    keys: keysOfBlock(held.batch, first + place, !asWhole),
    batch: asWhole ? { first, count: blocks.length, key } : null,
    held,
  }));
}

const every = (held: HeldBatch, asWhole: boolean) =>
  givenOf(
    held,
    held.archive.blocks.map((_, i) => i),
    asWhole,
  );
const encoded = (size: number, message: readonly GivenKeys[]) => encodeGiven(nodePrimitives, size, message);

describe('keys cut into messages', () => {
  it('fit, keep their order, and lose none, whatever the batches are like', () => {
    const counts = [1024, 1, 1, 7, 300, ...Array(60).fill(1), 2];
    let first = FAR;
    const given = counts.flatMap((count, i) => {
      const held = holdBatch(first, count, FAR_SIZE);
      // Every second batch lies far from the one before it.
      first += count + (i % 2 === 0 ? 0 : 2 ** 30);
      return every(held, i % 3 === 0);
    });
    const messages = packKeys(FAR_SIZE, given);
    const lengths = messages.map((message) => encoded(FAR_SIZE, message).length);
    for (const length of lengths) assert.ok(length <= MAX_PLAINTEXT_BYTES, String(length));
    assert.deepEqual(
      messages.flat().map(({ keys }) => keys.index),
      given.map(({ keys }) => keys.index),
    );
    assert.ok(Math.min(...lengths.slice(0, -1)) > MAX_PLAINTEXT_BYTES * 0.9, `messages are full: ${lengths}`);
  });

  it('are as many a message as offers are measured by, each far from the next and in a batch of its own', () => {
    for (const size of [12, 1_000, 1_000_000, FAR_SIZE]) {
      const blocks = sureBlocks(size);
      const step = Math.floor(size / blocks);
      const given = Array.from({ length: blocks }, (_, i) => every(holdBatch(i * step, 1, size), true)).flat();
      assert.equal(packKeys(size, given).length, 1, `${blocks} of ${size}`);
      assert.ok(encoded(size, given).length <= MAX_PLAINTEXT_BYTES);
    }
    assert.ok(sureBlocks(1_000_000) > 80);
    assert.ok(sureBlocks(FAR_SIZE) > 30);
  });

  it('of an offer fit into a mailbox, or it is not made', () => {
    const size = 2 ** 40;
    const most = maxDeliveredBlocks(size);
    requireDeliverable({ count: most - 460, samples: 460 }, size);
    assert.throws(() => requireDeliverable({ count: most, samples: 1 }, size), ArgumentError);
    assert.ok(most / sureBlocks(size) < MAX_MESSAGES);
  });
});

describe('a proof of some records out of those that are held', () => {
  for (const size of [1, 2, 3, 5, 8, 13, 64, 257]) {
    it(`is the log's own, and a path is RFC 9162's, in a log of ${size}`, async () => {
      const records = Array.from({ length: size }, () => {
        return { sealed: random(32), commitment: random(32), contentCommitment: random(32) } as unknown as BlockRecord;
      });
      const leaves = records.map((record) => recordHash(nodePrimitives, record));
      const log = { hasher: nodePrimitives, subtrees: subtreesOfLeaves(nodePrimitives, leaves) };
      const runOf = async (first: number, end: number): Promise<ProvenRun> => {
        const positions = Array.from({ length: end - first }, (_, i) => first + i);
        return { first, records: records.slice(first, end), proof: await multiproof(log, positions, size) };
      };
      // Two runs with a gap between them, wherever they lie.
      for (let cut = 1; cut <= size; cut += Math.ceil(size / 13)) {
        const runs = [await runOf(0, cut), ...(cut + 1 < size ? [await runOf(cut + 1, size)] : [])];
        const held = Array.from({ length: size }, (_, i) => i).filter((i) => i !== cut);
        for (const wanted of [held, held.filter((i) => i % 3 === 1), held.slice(-1), held.slice(0, 1)]) {
          if (wanted.length === 0) continue;
          const proof = await multiproof(log, wanted, size);
          assert.deepEqual(subsetProof(nodePrimitives, size, runs, wanted), proof);
          assert.equal(countProofNodes(wanted, size), proof.length);
        }
      }
      const first = [await runOf(0, 1)];
      if (size >= 8) assert.throws(() => subsetProof(nodePrimitives, size, first, [7]), StateError);
      for (let index = 0; index < size; index++) {
        const nodes = await multiproof(log, [index], size);
        assert.deepEqual(pathFromMultiproof(index, size, nodes), inclusionPath(nodePrimitives, leaves, index));
        assert.throws(() => pathFromMultiproof(index, size, [...nodes, random(32)]), ProofError);
        if (size > 1) assert.throws(() => pathFromMultiproof(index, size, nodes.slice(1)), ProofError);
      }
      assert.throws(() => pathFromMultiproof(size, size, []), ProofError);
    });
  }
});
