import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import { AbiCoder, keccak256 } from 'ethers';
import fc from 'fast-check';
import { decodeKeyPayload, encodeKeyPayload, type KeyPayload } from '../../core/agreement/key-payload.ts';
import {
  answerChallenge,
  answerDemand,
  type BatchArchive,
  keysOfBlock,
  ownBatch,
} from '../../core/agreement/own-batch.ts';
import { defaultPlainSamples, isContentKeyDue } from '../../core/agreement/previews.ts';
import { agreementId, type Offer, typedDomain } from '../../core/agreement/terms.ts';
import { contentKeyOf, requireBlockKeys, requireKeyRecords } from '../../core/agreement/verify-keys.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { commitContent } from '../../core/block/content-keys.ts';
import { to0x } from '../../core/bytes.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, KeyError, ProofError } from '../../core/errors.ts';
import { address, type DatasetKey, type LogRoot, type Nonce, type Salt } from '../../core/ids.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { EMPTY_PEAKS, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { BOTH } from './both-primitives.ts';
import { withBitFlipped } from './draw.ts';
import { captured, writerOf } from './writers.ts';

const { primitives } = BOTH[0] as (typeof BOTH)[number];
const RANDOM = new Uint8Array(16).fill(3);
const account = (byte: number) => address(`0x${byte.toString(16).padStart(2, '0').repeat(20)}`);

/** A log of two batches that is sold, and what the owner keeps of it. */
function soldLog(kind: DatasetKind) {
  const writer = writerOf(kind);
  const first = sealBatch(primitives, writer, EMPTY_PEAKS, captured(kind, [3000, 6, 7], 'one'), RANDOM);
  const second = sealBatch(primitives, writer, first.end, captured(kind, [8, 2000], 'two'), RANDOM);
  const archives = [first, second].map(
    ({ manifest }): BatchArchive => ({
      dataset: writer.dataset,
      first: manifest.first,
      salt: manifest.salt,
      nonce: manifest.nonce,
      blocks: manifest.blocks.map(({ size, sha256, chunkRoot, meta }) => ({
        size,
        sha256,
        chunkRoot,
        metaHash: primitives.sha256(meta) as never,
      })),
    }),
  );
  const leaves = [...first.leafHashes, ...second.leafHashes];
  const log = { dataset: writer.dataset, size: 5, root: rootOfPeaks(primitives, second.end) };
  const owned = archives.map((archive) => ownBatch(primitives, writer.datasetKey, archive));
  const payloadOf = async (blocks: readonly number[], whole = false): Promise<KeyPayload> => ({
    blocks: blocks.map((index) => keysOfBlock(owned[index < 3 ? 0 : 1]!, index, !whole)),
    batches: whole
      ? owned.flatMap(({ first: at, contentBatchKey, blocks: held }) =>
          contentBatchKey === null ? [] : [{ first: at, count: held.length, key: contentBatchKey }],
        )
      : [],
    proof: await multiproof({ hasher: primitives, subtrees: subtreesOfLeaves(primitives, leaves) }, blocks, 5),
  });
  return { writer, first, archives, log, owned, payloadOf };
}

describe('an agreement’s id', () => {
  const offer: Offer = {
    owner: account(1),
    nonce: 2n ** 200n,
    terms: {
      dataset: writerOf(0).dataset,
      first: 2 ** 40,
      count: 2 ** 32 - 1,
      token: account(2),
      price: 2n ** 128n - 1n,
      fee: 5n,
      bond: 6n,
      stakeWei: 2n ** 96n - 1n,
      maxChallenges: 65_535,
      maxDemands: 7,
      samples: 4096,
      previews: 8,
      windowSeconds: 86_400,
      durationSeconds: 10 ** 8,
      acceptBySeconds: 2n ** 64n - 1n,
      consumer: account(3),
    },
    root: new Uint8Array(32).fill(4) as LogRoot,
    size: 2 ** 48,
    agent: account(5),
    encryptionKey: new Uint8Array(32).fill(6),
  };
  const domain = { chainId: 31337, ocasc: account(9) };

  it('is the hash of all that was offered, as Solidity encodes it', () => {
    const { terms } = offer;
    const types = [
      'uint256',
      'address',
      'address',
      'uint256',
      'tuple(bytes32,uint64,uint32,address,uint128,uint128,uint128,uint96,uint16,uint16,uint32,uint8,uint32,uint32,uint64,address)',
      'bytes32',
      'uint64',
      'address',
      'bytes32',
    ];
    const encoded = AbiCoder.defaultAbiCoder().encode(types, [
      domain.chainId,
      domain.ocasc,
      offer.owner,
      offer.nonce,
      Object.values(terms),
      to0x(offer.root),
      offer.size,
      offer.agent,
      to0x(offer.encryptionKey),
    ]);
    assert.equal(agreementId(domain, offer), keccak256(encoded));
    assert.deepEqual(typedDomain(domain), { name: 'Plumbline OCASC', chainId: 31337, verifyingContract: account(9) });
  });

  it('is another for every change, and none for what does not fit', () => {
    const id = agreementId(domain, offer);
    const changes: Partial<Offer>[] = [
      { owner: account(7) },
      { nonce: 1n },
      { size: 5 },
      { agent: account(7) },
      { encryptionKey: new Uint8Array(32) },
      { root: new Uint8Array(32) as LogRoot },
      ...Object.entries(offer.terms).map(([key, value]) => ({
        terms: { ...offer.terms, [key]: typeof value === 'bigint' ? 1n : typeof value === 'number' ? 1 : account(8) },
      })),
    ].map((change) =>
      'terms' in change && String(change.terms.dataset).length < 66
        ? { terms: { ...offer.terms, dataset: writerOf(1).dataset } }
        : change,
    );
    const ids = new Set(changes.map((change) => agreementId(domain, { ...offer, ...change })));
    assert.equal(ids.size, changes.length);
    assert.ok(!ids.has(id));
    for (const terms of [{ previews: 256 }, { maxDemands: 65_536 }, { price: 2n ** 128n }, { count: 2 ** 32 }]) {
      assert.throws(() => agreementId(domain, { ...offer, terms: { ...offer.terms, ...terms } }), ArgumentError);
    }
  });
});

describe('keys for a consumer', () => {
  for (const kind of [0, 1, 2] as const) {
    it(`of kind ${kind} travel, lead to the log that was sold, and open what is recorded`, async () => {
      const { log, payloadOf, owned } = soldLog(kind);
      for (const blocks of [[0], [4], [1, 3], [0, 1, 2, 3, 4]]) {
        for (const whole of [false, true]) {
          const payload = decodeKeyPayload(encodeKeyPayload(await payloadOf(blocks, whole)));
          assert.deepEqual(payload, await payloadOf(blocks, whole));
          requireKeyRecords(primitives, log, payload);
          for (const keys of payload.blocks) {
            requireBlockKeys(primitives, log.dataset, keys);
            const key = contentKeyOf(primitives, payload, keys.index);
            const own = owned[keys.index < 3 ? 0 : 1]!.blocks[keys.index < 3 ? keys.index : keys.index - 3]!;
            assert.deepEqual(key, own.contentKey);
            assert.equal(key === null, kind !== 0);
          }
        }
      }
    });
  }

  it('that are wrong are the owner’s fault, whatever is wrong with them', async () => {
    const { log, payloadOf } = soldLog(0);
    const payload = await payloadOf([1, 3]);
    const [one, other] = payload.blocks as [KeyPayload['blocks'][number], KeyPayload['blocks'][number]];
    const flip = <T extends Uint8Array>(bytes: T): T => withBitFlipped(bytes, 5) as T;
    const refused = (change: Partial<KeyPayload>): void =>
      assert.throws(() => requireKeyRecords(primitives, log, { ...payload, ...change }), ProofError);
    refused({ blocks: [one] });
    refused({ blocks: [{ ...one, index: 2 }, other] });
    refused({ blocks: [{ ...one, index: 5 }, other] });
    refused({ blocks: [{ ...one, record: other.record }, other] });
    refused({ proof: payload.proof.slice(1) });
    refused({ proof: [...payload.proof, payload.proof[0]!] });
    refused({ proof: payload.proof.map(flip) });
    assert.throws(() => requireBlockKeys(primitives, log.dataset, { ...one, blockKey: flip(one.blockKey) }), KeyError);
    const opening = { ...one.opening, size: one.opening.size + 1 };
    assert.throws(() => requireBlockKeys(primitives, log.dataset, { ...one, opening }), KeyError);
    const wrongKey = { ...one, contentKey: flip(one.contentKey as NonNullable<typeof one.contentKey>) };
    assert.throws(() => contentKeyOf(primitives, { ...payload, blocks: [wrongKey] }, 1), KeyError);
    const whole = await payloadOf([1], true);
    const batches = whole.batches.map((batch) => ({ ...batch, key: flip(batch.key) }));
    assert.throws(() => contentKeyOf(primitives, { ...whole, batches }, 1), KeyError);
    assert.equal(contentKeyOf(primitives, { ...whole, batches: [] }, 1), null);
    assert.equal(contentKeyOf(primitives, payload, 0), null);
  });

  it('are read strictly', async () => {
    const { payloadOf } = soldLog(0);
    const payload = await payloadOf([1, 3], true);
    const good = encodeKeyPayload(payload);
    for (let at = 0; at < good.length; at++) {
      assert.throws(() => decodeKeyPayload(good.subarray(0, at)), ArgumentError);
    }
    const [one] = payload.blocks as [KeyPayload['blocks'][number]];
    assert.throws(() => encodeKeyPayload({ ...payload, blocks: [one, one] }), /The keys name a block twice/);
    assert.throws(() => encodeKeyPayload({ ...payload, blocks: [] }), ArgumentError);
    assert.throws(
      () => encodeKeyPayload({ ...payload, batches: [...payload.batches, ...payload.batches] }),
      /The keys name a batch twice/,
    );
    const [version, blocks, batches, proof] = dagCbor.decode(good) as [number, unknown, unknown, Uint8Array];
    for (const wrong of [
      [version, blocks, batches, Uint8Array.of(...proof, 0)],
      [version, blocks, batches, 'text'],
      [1, blocks, batches, proof],
      [version, blocks, batches],
      [version, blocks, batches, proof, 0],
    ]) {
      assert.throws(() => decodeKeyPayload(dagCbor.encode(wrong)), ArgumentError);
    }
    const many = Array.from({ length: 400 }, (_, index) => ({ ...one, index }));
    assert.throws(() => encodeKeyPayload({ ...payload, blocks: many }), /do not fit into a message/);
    assert.throws(() => decodeKeyPayload(Uint8Array.of(0x80)), ArgumentError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(8 * good.length), (noise, bit) => {
        assert.throws(() => decodeKeyPayload(noise), ArgumentError);
        try {
          assert.equal(
            Buffer.compare(encodeKeyPayload(decodeKeyPayload(withBitFlipped(good, bit))), withBitFlipped(good, bit)),
            0,
          );
        } catch (cause) {
          assert.ok(cause instanceof ArgumentError);
        }
      }),
      { seed: 5 },
    );
  });
});

describe('what an owner has of a batch', () => {
  it('answers challenges and demands', () => {
    const { owned, first, log } = soldLog(0);
    const [batch] = owned as [(typeof owned)[number]];
    const { blocks } = readSegment(primitives, first.segment.car);
    for (const seed of [0, 1, 2, 3, 2 ** 32 - 1]) {
      const proof = proveChunk(primitives, blocks[0]!, seed);
      const answer = answerChallenge(primitives, batch, 0, seed, proof);
      assert.deepEqual(answer.record, first.manifest.blocks[0]?.record);
      assert.deepEqual(answer.chunk, proof.chunk);
      const other = proveChunk(primitives, blocks[0]!, seed + 1);
      assert.throws(() => answerChallenge(primitives, batch, 0, seed, other), ProofError);
    }
    const demanded = answerDemand(batch, 1);
    assert.deepEqual(commitContent(primitives, demanded.contentKey), demanded.record.contentCommitment);
    assert.throws(() => answerDemand(soldLog(1).owned[0]!, 1), ArgumentError);
    assert.throws(() => answerDemand(batch, 3), ArgumentError);
    assert.equal(log.size, 5);
  });

  it('may be the public record alone where a block is not for sale, if it is the dataset’s', () => {
    const { writer, archives, first, owned } = soldLog(0);
    const [archive] = archives as [BatchArchive];
    const record = first.manifest.blocks[1]!.record;
    const partly = { ...archive, blocks: archive.blocks.with(1, record) };
    const batch = ownBatch(primitives, writer.datasetKey, partly);
    assert.deepEqual(
      batch.blocks.map((block) => block.record),
      owned[0]!.blocks.map((block) => block.record),
    );
    assert.throws(() => keysOfBlock(batch, 1, true), /has only the public record/);
    assert.throws(() => keysOfBlock(batch, 7, true), ArgumentError);
    const wrong = [
      { ...partly, salt: withBitFlipped(partly.salt, 1) as Salt },
      { ...partly, nonce: withBitFlipped(partly.nonce as Nonce, 1) as Nonce },
    ];
    for (const one of wrong) assert.throws(() => ownBatch(primitives, writer.datasetKey, one), KeyError);
    const key = primitives.sha256(Uint8Array.of(77)) as DatasetKey;
    assert.throws(() => ownBatch(primitives, key, partly), KeyError);
  });
});

describe('content keys', () => {
  const terms = { first: 100, count: 10, price: 110n, fee: 10n, samples: 5, previews: 2 };

  it('come for what is paid and for the first previews of the sample', () => {
    const due = (index: number, amount: bigint) =>
      isContentKeyDue({ terms, due: amount, sampled: [105, 109, 103] }, index);
    assert.deepEqual(
      [100, 101, 102].map((index) => due(index, 30n)),
      [true, true, false],
    );
    assert.deepEqual(
      [103, 105, 109].map((index) => due(index, 10n)),
      [false, true, true],
    );
    assert.ok(due(109, 110n));
    assert.ok(!due(110, 110n));
    assert.ok(!due(99, 110n));
  });

  it('of plain data have a sample by the fee', () => {
    assert.equal(defaultPlainSamples({ count: 1000, price: 1000n, fee: 17n }), 17);
    assert.equal(defaultPlainSamples({ count: 1000, price: 1000n, fee: 0n }), 1);
    assert.equal(defaultPlainSamples({ count: 1000, price: 1000n, fee: 1000n }), 1000);
    assert.equal(defaultPlainSamples({ count: 7, price: 0n, fee: 0n }), 7);
  });
});
