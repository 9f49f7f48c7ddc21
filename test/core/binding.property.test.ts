import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type BatchLeaf,
  batchLeafBytes,
  batchLeafHash,
  batchRoot,
  ROOTED,
  recordHash,
  sealedHash,
} from '../../core/batch/record.ts';
import { chunkCount, chunkRootFromProof, proveChunk } from '../../core/block/chunk-tree.ts';
import { contentBatchKey, contentKey, decryptContent, encryptContent } from '../../core/block/content-cipher.ts';
import { blockDigest, type Opening, openBlock } from '../../core/block/digest.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { batchSalt, blockKeys, commitKey, openDigest, sealDigest } from '../../core/block/seal.ts';
import { equalBytes, fromHex, to0x, toHex, u32, u64, xorBytes } from '../../core/bytes.ts';
import { ArgumentError, KeyError, type PlumblineError, ProofError } from '../../core/errors.ts';
import { address, bytes32, type DatasetKey, datasetId, type PrivateKey } from '../../core/ids.ts';
import { deriveDatasetId } from '../../core/keys.ts';
import { type Head, recoverHeadSigner, signHead } from '../../core/log/head.ts';
import { BOTH } from './both-primitives.ts';

const dataset = datasetId(`0x${'42'.repeat(32)}`);
const other = datasetId(`0x${'43'.repeat(32)}`);
const datasetKey = new Uint8Array(32).fill(5) as DatasetKey;

/** The same bytes with one bit changed. */
function flip<T extends Uint8Array>(bytes: T, bit: number): T {
  const changed = Uint8Array.from(bytes);
  const at = bit % (8 * bytes.length);
  changed[at >> 3]! ^= 1 << (at & 7);
  return changed as T;
}

for (const { name, primitives, slow } of BOTH) {
  const runs = { numRuns: slow ? 20 : 150, seed: 42 };
  const anyBlock = fc.uint8Array({ minLength: 1, maxLength: slow ? 2100 : 9000, size: 'max' });
  const anyIndex = fc.maxSafeNat();

  describe(`what a digest binds, on ${name}`, () => {
    it('any bit of the block, of the meta, of the opening, and the BlockId', () => {
      fc.assert(
        fc.property(anyBlock, anyIndex, fc.nat(), (block, index, bit) => {
          const meta = encodeMeta({ at: 1, name: 'x' });
          const digestOf = (stored: Uint8Array, metaBytes: Uint8Array): Uint8Array =>
            blockDigest(primitives, { dataset, index }, openBlock(primitives, stored, metaBytes));
          const opening = openBlock(primitives, block, meta);
          const digest = digestOf(block, meta);
          const others: Uint8Array[] = [
            ...[digestOf(flip(block, bit), meta), digestOf(block, flip(meta, bit)), digestOf(block, meta.subarray(1))],
            digestOf(new Uint8Array([...block, 0]), meta),
            blockDigest(primitives, { dataset, index: index === 0 ? 1 : index - 1 }, opening),
            blockDigest(primitives, { dataset: other, index }, opening),
            blockDigest(primitives, { dataset, index }, { ...opening, size: opening.size + 1 }),
          ];
          if (block.length > 1) others.push(digestOf(block.subarray(1), meta), digestOf(block.subarray(0, -1), meta));
          for (const part of ['sha256', 'chunkRoot', 'metaHash'] as const) {
            const changed: Opening = { ...opening, [part]: flip(opening[part], bit) };
            others.push(blockDigest(primitives, { dataset, index }, changed));
          }
          for (const [number, each] of others.entries()) assert.notDeepEqual(each, digest, `change ${number}`);
        }),
        runs,
      );
    });

    it('a size that no block can have is refused', () => {
      const opening = openBlock(primitives, new Uint8Array(1), new Uint8Array(0));
      for (const size of [0, -1, 1.5, 2 ** 20 + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.throws(() => blockDigest(primitives, { dataset, index: 0 }, { ...opening, size }), ArgumentError);
        assert.throws(() => chunkCount(size), ArgumentError);
      }
      assert.throws(() => openBlock(primitives, new Uint8Array(0), new Uint8Array(0)), ArgumentError);
      assert.throws(() => openBlock(primitives, new Uint8Array(2 ** 20 + 1), new Uint8Array(0)), ArgumentError);
    });
  });

  describe(`what a chunk proof binds, on ${name}`, () => {
    const cases = fc.tuple(anyBlock, fc.nat(0xffff_ffff), fc.nat());

    it('leads to the chunk root for every random number', () => {
      fc.assert(
        fc.property(cases, ([block, random]) => {
          const proof = proveChunk(primitives, block, random);
          assert.deepEqual(proof.root, openBlock(primitives, block, new Uint8Array(0)).chunkRoot);
          assert.deepEqual(chunkRootFromProof(primitives, block.length, random, proof), proof.root);
          const number = random % chunkCount(block.length);
          assert.deepEqual(proof.chunk, block.slice(1024 * number, 1024 * number + 1024));
        }),
        runs,
      );
    });

    it('any bit of chunk or path, the chunk number and the size', () => {
      fc.assert(
        fc.property(cases, ([block, random, bit]) => {
          const proof = proveChunk(primitives, block, random);
          const opening = openBlock(primitives, block, new Uint8Array(0));
          const digest = blockDigest(primitives, { dataset, index: 0 }, opening);
          const accepted = (size: number, r: number, chunk: Uint8Array, path: readonly Uint8Array[]): boolean => {
            try {
              const chunkRoot = chunkRootFromProof(primitives, size, r, { chunk, path });
              return equalBytes(
                blockDigest(primitives, { dataset, index: 0 }, { ...opening, size, chunkRoot }),
                digest,
              );
            } catch (cause) {
              assert.ok(cause instanceof ProofError || cause instanceof ArgumentError, String(cause));
              return false;
            }
          };
          const { chunk, path } = proof;
          const size = block.length;
          assert.ok(accepted(size, random, chunk, path));
          assert.ok(!accepted(size, random, flip(chunk, bit), path));
          assert.ok(!accepted(size, random, chunk.subarray(1), path));
          assert.ok(!accepted(size, random, new Uint8Array([...chunk, 0]), path));
          assert.ok(!accepted(size, random, chunk, [...path, opening.sha256]));
          if (path.length > 0) {
            const at = bit % path.length;
            assert.ok(!accepted(size, random, chunk, path.slice(1)));
            assert.ok(!accepted(size, random, chunk, path.slice(0, -1)));
            assert.ok(!accepted(size, random, chunk, path.with(at, flip(path[at] as Uint8Array, bit))));
            assert.ok(!accepted(size, random, chunk, path.with(at, (path[at] as Uint8Array).subarray(1))));
            // Another chunk was asked for: the same bytes and path do not pass for it.
            for (let r = 0; r < chunkCount(size); r++) {
              const equal = equalBytes(proveChunk(primitives, block, r).chunk, chunk);
              if (r !== random % chunkCount(size) && !equal) assert.ok(!accepted(size, r, chunk, path));
            }
          }
          for (const claimed of [size - 1, size + 1, size + 1024, size - 1024, 2 * size, 0, -1, 2 ** 20 + 1, 0.5]) {
            assert.ok(!accepted(claimed, random, chunk, path), `size ${claimed} for ${size}`);
          }
        }),
        { ...runs, numRuns: slow ? 10 : 100 },
      );
    });
  });

  it(`a chunk of another length than its place asks for is refused as that, on ${name}`, () => {
    const block = new Uint8Array(2500).fill(3);
    for (const [random, lengths] of [
      [0, [0, 1, 452, 1023, 1025]],
      [2, [0, 451, 453, 1024]],
    ] as const) {
      const { path } = proveChunk(primitives, block, random);
      for (const length of lengths) {
        const proof = { chunk: new Uint8Array(length).fill(3), path };
        assert.throws(() => chunkRootFromProof(primitives, 2500, random, proof), {
          name: 'ProofError',
          message: /it must have (1024|452)\./,
        });
      }
    }
  });

  describe(`what sealing binds, on ${name}`, () => {
    it('a key opens its own block alone, and any bit changed in it is seen', () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), anyIndex, fc.nat(), (bytes, index, bit) => {
          const digest = bytes32<ReturnType<typeof blockDigest>>(bytes, 'digest');
          const salt = batchSalt(primitives, datasetKey, index, [digest]);
          const key = blockKeys(primitives, datasetKey, salt)(index);
          const sealed = sealDigest(primitives, digest, key);
          const commitment = commitKey(primitives, key);
          assert.deepEqual(openDigest(primitives, sealed, commitment, key), digest);
          assert.notDeepEqual(sealed, digest);
          const neighbour = index === 0 ? 1 : index - 1;
          const wrong = [
            ...[flip(key, bit), blockKeys(primitives, datasetKey, salt)(neighbour)],
            blockKeys(primitives, datasetKey, flip(salt, bit))(index),
            blockKeys(primitives, flip(datasetKey, bit), salt)(index),
          ];
          for (const each of wrong) assert.throws(() => openDigest(primitives, sealed, commitment, each), KeyError);
          assert.throws(() => openDigest(primitives, sealed, flip(commitment, bit), key), KeyError);
          assert.notDeepEqual(openDigest(primitives, flip(sealed, bit), commitment, key), digest);
          assert.notDeepEqual(batchSalt(primitives, datasetKey, index, [flip(digest, bit)]), salt);
          assert.notDeepEqual(batchSalt(primitives, datasetKey, index, [digest, digest]), salt);
        }),
        runs,
      );
    });

    it('content opens under its own key, dataset and index alone', () => {
      fc.assert(
        fc.property(anyBlock, anyIndex, fc.nat(), (content, index, bit) => {
          const batchKey = contentBatchKey(primitives, datasetKey, new Uint8Array(16).fill(bit % 256));
          const key = contentKey(primitives, batchKey, index);
          const id = { dataset, index };
          const stored = encryptContent(primitives, key, id, content);
          assert.equal(stored.length, content.length + 16);
          assert.deepEqual(decryptContent(primitives, key, id, stored), content);
          const open =
            (...[k, i, s]: [typeof key, typeof id, Uint8Array]) =>
            () =>
              decryptContent(primitives, k, i, s);
          const neighbour = { dataset, index: index === 0 ? 1 : index - 1 };
          for (const each of [
            ...[
              open(flip(key, bit), id, stored),
              open(key, neighbour, stored),
              open(key, { dataset: other, index }, stored),
            ],
            ...[
              open(key, id, flip(stored, bit)),
              open(key, id, stored.subarray(1)),
              open(key, id, stored.subarray(0, 15)),
            ],
          ]) {
            assert.throws(each, KeyError);
          }
        }),
        { ...runs, numRuns: slow ? 10 : 100 },
      );
    });

    it('a batch root binds the content commitment and every record at its place', () => {
      const records = Array.from({ length: 5 }, (_, i) => ({
        sealed: new Uint8Array(32).fill(i) as never,
        commitment: new Uint8Array(32).fill(100 + i) as never,
      }));
      const content = new Uint8Array(32).fill(1) as never;
      const root = toHex(batchRoot(primitives, content, records));
      const others = [
        batchRoot(primitives, flip(content, 9), records),
        batchRoot(primitives, content, records.slice(1)),
        batchRoot(primitives, content, [...records].reverse()),
        batchRoot(primitives, content, [...records, records[0] as (typeof records)[number]]),
        ...records.flatMap((record, i) => [
          batchRoot(primitives, content, records.with(i, { ...record, sealed: flip(record.sealed, i) })),
          batchRoot(primitives, content, records.with(i, { ...record, commitment: flip(record.commitment, i) })),
        ]),
      ];
      assert.equal(new Set([root, ...others.map(toHex)]).size, 1 + others.length);
      assert.throws(
        () => recordHash(primitives, { ...records[0], sealed: new Uint8Array(31) } as never),
        ArgumentError,
      );
      assert.throws(
        () => recordHash(primitives, { ...records[0], commitment: new Uint8Array(33) } as never),
        ArgumentError,
      );
    });

    it('a batch leaf binds every field, and has 140 bytes', () => {
      const leaf = {
        ...{ dataset, first: 3, count: 5, salt: new Uint8Array(32).fill(1), batchRoot: new Uint8Array(32).fill(2) },
        sealedHash: ROOTED,
      } as BatchLeaf;
      assert.equal(batchLeafBytes(leaf).length, 140);
      const others = [
        ...[
          { dataset: other },
          { first: 4 },
          { count: 6 },
          { salt: flip(leaf.salt, 1) },
          { batchRoot: flip(leaf.batchRoot, 1) },
        ],
        { sealedHash: sealedHash([]) },
      ].map((change) => toHex(batchLeafHash(primitives, { ...leaf, ...change })));
      assert.equal(new Set([toHex(batchLeafHash(primitives, leaf)), ...others]).size, 7);
      for (const count of [0, -1, 1025, 1.5, Number.NaN]) {
        assert.throws(() => batchLeafBytes({ ...leaf, count }), ArgumentError);
      }
      for (const first of [-1, 0.5, 2 ** 53]) assert.throws(() => batchLeafBytes({ ...leaf, first }), ArgumentError);
      assert.throws(() => batchLeafBytes({ ...leaf, salt: new Uint8Array(31) as never }), ArgumentError);
    });
  });
}

describe('what a head signature binds', () => {
  const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
  const key = new Uint8Array(32).fill(9) as PrivateKey;
  const head: Head = { dataset, size: 7, batches: 2, root: new Uint8Array(32).fill(8) as Head['root'] };
  const signature = signHead(domain, head, key);
  const signer = recoverHeadSigner(domain, head, signature);
  const isSigner = (...[d, h, s]: Parameters<typeof recoverHeadSigner>): boolean => {
    try {
      return recoverHeadSigner(d, h, s) === signer;
    } catch (cause) {
      if (!(cause instanceof ProofError)) throw cause;
      return false;
    }
  };

  it('every field of head and domain', () => {
    assert.ok(isSigner(domain, head, signature));
    for (const change of [{ size: 8 }, { batches: 3 }, { dataset: other }, { root: flip(head.root, 255) }]) {
      assert.ok(!isSigner(domain, { ...head, ...change }, signature));
    }
    assert.ok(!isSigner({ ...domain, chainId: 1 }, head, signature));
    assert.ok(!isSigner({ ...domain, dissc: address(`0x${'d2'.repeat(20)}`) }, head, signature));
  });

  it('any one bit of the signature', () => {
    for (let bit = 0; bit < 8 * 65; bit++) assert.ok(!isSigner(domain, head, flip(signature, bit)), `bit ${bit}`);
  });
});

describe('bytes and ids at the edge', () => {
  it('hex goes both ways, with and without 0x', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        assert.deepEqual(fromHex(toHex(bytes)), bytes);
        assert.deepEqual(fromHex(to0x(bytes).toUpperCase().replace('0X', '0x')), bytes);
      }),
    );
  });

  it('refuses what is not hex or has another length, and never repeats the value', () => {
    for (const text of ['0', '0x0', 'zz', '0x0g', ' 00', '00\n', '0x0x00', '-1', '0X00']) {
      assert.throws(
        () => fromHex(text, 'device key', 32),
        (cause: unknown) => {
          assert.ok(cause instanceof ArgumentError);
          assert.match(cause.message, /device key/);
          return true;
        },
      );
    }
    const secret = 'c0ffee'.repeat(5);
    assert.throws(
      () => fromHex(secret, 'device key', 32),
      (cause: Error) => !cause.message.includes(secret),
    );
    assert.throws(() => datasetId(`0x${'00'.repeat(31)}`), ArgumentError);
    assert.throws(() => address(`0x${'00'.repeat(21)}`), ArgumentError);
    assert.equal(address(`0x${'AB'.repeat(20)}`), `0x${'ab'.repeat(20)}`);
  });

  it('a dataset name of other than 32 bytes gives no id', () => {
    const domain = { chainId: 1, dissc: address(`0x${'d1'.repeat(20)}`) };
    for (const size of [0, 31, 33]) {
      assert.throws(() => deriveDatasetId(domain, domain.dissc, new Uint8Array(size)), ArgumentError);
    }
    assert.match(deriveDatasetId(domain, domain.dissc, new Uint8Array(32)), /^0x[0-9a-f]{64}$/);
  });

  it('integers are written big-endian, and none that do not fit', () => {
    assert.equal(toHex(u64(2 ** 53 - 1)), '001fffffffffffff');
    assert.equal(toHex(u64(2 ** 32)), '0000000100000000');
    assert.equal(toHex(u32(0xffff_fffe)), 'fffffffe');
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => u64(bad), ArgumentError);
    for (const bad of [-1, 0.5, 2 ** 32, Number.NaN]) assert.throws(() => u32(bad), ArgumentError);
    assert.throws(() => xorBytes(new Uint8Array(1), new Uint8Array(2)), ArgumentError);
  });

  it('an error says its name, its message and its details, and keeps its cause to itself', () => {
    const error: PlumblineError = new ArgumentError('No.', { details: { limit: 3 }, cause: new Error('inside') });
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      name: 'ArgumentError',
      kind: 'arguments',
      message: 'No.',
      details: { limit: 3 },
    });
  });
});
