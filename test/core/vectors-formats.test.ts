import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchLeafBytes, batchLeafHash, batchRoot, ROOTED, sealedHash } from '../../core/batch/record.ts';
import { chunkCount, chunkRoot, chunkRootFromProof, proveChunk } from '../../core/block/chunk-tree.ts';
import {
  commitContent,
  contentBatchKey,
  contentKey,
  decryptContent,
  encryptContent,
} from '../../core/block/content-cipher.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { type BlockMeta, decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { batchSalt, blockKeys, commitKey, openDigest, sealDigest } from '../../core/block/seal.ts';
import { to0x, toHex } from '../../core/bytes.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import {
  type Address,
  address,
  type BatchRoot,
  type ContentCommitment,
  type DatasetKey,
  type Digest,
  datasetId,
  type PrivateKey,
  type Salt,
  type SealedHash,
} from '../../core/ids.ts';
import { deriveDatasetId, deriveDatasetKey } from '../../core/keys.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import { type Head, type HeadDomain, headHash, recoverHeadSigner, signHead } from '../../core/log/head.ts';
import {
  consistencyProof,
  inclusionPath,
  isConsistent,
  leafHash,
  merkleTreeHash,
  rootFromPath,
} from '../../core/log/merkle.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { BOTH } from './both-primitives.ts';
import { hex, readVectors, type VectorBytes, vectorBytes } from './read-vectors.ts';

interface DigestVector {
  dataset: string;
  index: string;
  block: VectorBytes;
  meta: string;
  size: number;
  sha256: string;
  chunkRoot: string;
  metaHash: string;
  digest: string;
}
interface ChunkVector {
  block: VectorBytes;
  chunks: number;
  chunkRoot: string;
  proofs: { r: number; index: number; chunk: VectorBytes; path: string[] }[];
}
interface SealingVector {
  datasetKey: string;
  first: string;
  count: number;
  digests: VectorBytes;
  digestsRoot: string;
  salt: string;
  blocks: { index: string; digest: string; blockKey: string; sealed: string; commitment: string }[];
  plain: { contentCommitment: string; batchRoot: string };
  encrypted: { contentCommitment: string; batchRoot: string };
  sealedHashWhenPublished: string;
}
interface ContentVector {
  dataset: string;
  datasetKey: string;
  nonce: string;
  contentBatchKey: string;
  contentCommitment: string;
  blocks: {
    index: string;
    content: VectorBytes;
    contentKey: string;
    block: VectorBytes;
    size: number;
    sha256: string;
  }[];
}
interface LogFile {
  dataset: string;
  batches: {
    first: string;
    count: number;
    published: boolean;
    salt: string;
    batchRoot: string;
    sealed?: string;
    sealedHash: string;
    leaf?: string;
    leafHash: string;
  }[];
  heads: { size: string; batches: number; root: string }[];
  inclusion: { batch: number; batches: number; path: string[] }[];
  consistency: { from: number; to: number; proof: string[] }[];
}
interface HeadVector {
  name?: string;
  fault?: 'form' | 'signer';
  domain: { chainId: number; verifyingContract: string };
  head: { dataset: string; size: string; batches: number; root: string };
  hash?: string;
  privateKey?: string;
  signer: string;
  signature: string;
}
interface KeysFile {
  owners: {
    seed: string;
    datasetsKey: string;
    datasets: { chainId: number; dissc: string; owner: string; name: string; dataset: string; datasetKey: string }[];
  }[];
}

const split32 = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)));

for (const { name, primitives, slow } of BOTH) {
  describe(`the project's vectors on ${name}`, () => {
    it('digests: opening and digest of every block', () => {
      for (const vector of readVectors<{ cases: DigestVector[] }>('digests').cases) {
        if (slow && vector.size > 65_537) continue;
        const block = vectorBytes(vector.block);
        const opening = openBlock(primitives, block, hex(vector.meta));
        assert.deepEqual(
          [opening.size, to0x(opening.sha256), to0x(opening.chunkRoot), to0x(opening.metaHash)],
          [vector.size, vector.sha256, vector.chunkRoot, vector.metaHash],
        );
        const digest = blockDigest(
          primitives,
          { dataset: datasetId(vector.dataset), index: Number(vector.index) },
          opening,
        );
        assert.equal(to0x(digest), vector.digest);
      }
    });

    it('chunks: count, root, and the proof of the chunk that a random number chooses', () => {
      for (const vector of readVectors<{ blocks: ChunkVector[] }>('chunks').blocks) {
        const block = vectorBytes(vector.block);
        if (slow && block.length > 65_537) continue;
        assert.equal(chunkCount(block.length), vector.chunks);
        assert.equal(to0x(chunkRoot(primitives, block)), vector.chunkRoot);
        for (const proof of vector.proofs) {
          const made = proveChunk(primitives, block, proof.r);
          assert.equal(toHex(made.chunk), toHex(vectorBytes(proof.chunk)));
          assert.deepEqual(made.path.map(to0x), proof.path);
          assert.equal(to0x(made.root), vector.chunkRoot);
          const given = { chunk: vectorBytes(proof.chunk), path: proof.path.map(hex) };
          assert.equal(to0x(chunkRootFromProof(primitives, block.length, proof.r, given)), vector.chunkRoot);
        }
      }
    });

    it('sealing: salt, keys, sealed digests, commitments and batch roots', () => {
      for (const vector of readVectors<{ cases: SealingVector[] }>('sealing').cases) {
        const datasetKey = hex(vector.datasetKey) as DatasetKey;
        const first = Number(vector.first);
        const digests = split32(vectorBytes(vector.digests)) as Digest[];
        assert.equal(digests.length, vector.count);
        assert.equal(to0x(merkleTreeHash(primitives, digests)), vector.digestsRoot);
        const salt = batchSalt(primitives, datasetKey, first, digests);
        assert.equal(to0x(salt), vector.salt);
        const keyOf = blockKeys(primitives, datasetKey, salt);
        const records = digests.map((digest, number) => {
          const key = keyOf(first + number);
          return { key, sealed: sealDigest(primitives, digest, key), commitment: commitKey(primitives, key) };
        });
        for (const block of vector.blocks) {
          const record = records[Number(block.index) - first];
          assert.ok(record);
          assert.deepEqual(
            [to0x(record.key), to0x(record.sealed), to0x(record.commitment)],
            [block.blockKey, block.sealed, block.commitment],
          );
          const opened = openDigest(primitives, record.sealed, record.commitment, record.key);
          assert.equal(to0x(opened), block.digest);
        }
        for (const kind of [vector.plain, vector.encrypted]) {
          const content = hex(kind.contentCommitment) as ContentCommitment;
          assert.equal(to0x(batchRoot(primitives, content, records)), kind.batchRoot);
        }
        assert.equal(to0x(sealedHash(records.map(({ sealed }) => sealed))), vector.sealedHashWhenPublished);
      }
    });

    it('content: keys, commitment, and the stored block both ways', () => {
      for (const vector of readVectors<{ batches: ContentVector[] }>('content').batches) {
        const dataset = datasetId(vector.dataset);
        const batchKey = contentBatchKey(primitives, hex(vector.datasetKey) as DatasetKey, hex(vector.nonce));
        assert.equal(to0x(batchKey), vector.contentBatchKey);
        assert.equal(to0x(commitContent(primitives, batchKey)), vector.contentCommitment);
        for (const line of vector.blocks) {
          if (slow && line.size > 65_537) continue;
          const index = Number(line.index);
          const key = contentKey(primitives, batchKey, index);
          assert.equal(to0x(key), line.contentKey);
          const block = encryptContent(primitives, key, { dataset, index }, vectorBytes(line.content));
          assert.equal(block.length, line.size);
          assert.equal(to0x(primitives.sha256(block)), line.sha256);
          if (typeof line.block === 'string') assert.equal(to0x(block), line.block);
          assert.deepEqual(decryptContent(primitives, key, { dataset, index }, block), vectorBytes(line.content));
        }
      }
    });

    it('log: leaves, heads, inclusion and consistency of 257 batches', () => {
      const file = readVectors<LogFile>('log');
      const dataset = datasetId(file.dataset);
      const hashes: Uint8Array[] = [];
      const heads = new Map(file.heads.map((head) => [head.batches, head]));
      let frontier: Frontier = EMPTY_FRONTIER;
      let size = 0;
      for (const [number, batch] of file.batches.entries()) {
        assert.equal(String(size), batch.first);
        assert.equal(batch.published, batch.sealed !== undefined);
        if (batch.sealed !== undefined) {
          assert.equal(to0x(sealedHash(split32(hex(batch.sealed)) as never[])), batch.sealedHash);
        } else {
          assert.equal(to0x(ROOTED), batch.sealedHash);
        }
        const leaf = {
          ...{ dataset, first: size, count: batch.count, salt: hex(batch.salt) as Salt },
          ...{ batchRoot: hex(batch.batchRoot) as BatchRoot, sealedHash: hex(batch.sealedHash) as SealedHash },
        };
        if (batch.leaf !== undefined) assert.equal(to0x(batchLeafBytes(leaf)), batch.leaf);
        const hash = batchLeafHash(primitives, leaf);
        assert.equal(to0x(hash), batch.leafHash);
        assert.equal(to0x(leafHash(primitives, batchLeafBytes(leaf))), batch.leafHash);
        hashes.push(hash);
        frontier = appendLeaf(primitives, frontier, hash);
        size += batch.count;
        const head = heads.get(number + 1);
        if (head !== undefined) {
          assert.deepEqual([String(size), to0x(frontierRoot(primitives, frontier))], [head.size, head.root]);
        }
      }
      const rootAt = (batches: number): Uint8Array => {
        let grown: Frontier = EMPTY_FRONTIER;
        for (const hash of hashes.slice(0, batches)) grown = appendLeaf(primitives, grown, hash);
        return frontierRoot(primitives, grown);
      };
      for (const { batch, batches, path } of file.inclusion) {
        assert.deepEqual(inclusionPath(primitives, hashes.slice(0, batches), batch).map(to0x), path);
        const root = rootFromPath(primitives, hashes[batch] as Uint8Array, batch, batches, path.map(hex));
        assert.deepEqual(root, rootAt(batches));
      }
      for (const { from, to, proof } of file.consistency) {
        assert.deepEqual(consistencyProof(primitives, hashes.slice(0, to), from).map(to0x), proof);
        assert.equal(isConsistent(primitives, from, to, rootAt(from), rootAt(to), proof.map(hex)), true);
      }
    });

    it('keys: dataset ids and dataset keys', () => {
      for (const owner of readVectors<KeysFile>('keys').owners) {
        for (const vector of owner.datasets) {
          const domain = { chainId: vector.chainId, dissc: address(vector.dissc) };
          const dataset = deriveDatasetId(domain, address(vector.owner), hex(vector.name));
          assert.equal(dataset, vector.dataset);
          assert.equal(to0x(deriveDatasetKey(primitives, hex(owner.seed), dataset)), vector.datasetKey);
        }
      }
    });
  });
}

describe('meta vectors', () => {
  const file = readVectors<{
    valid: { meta: BlockMeta; bytes: string }[];
    invalid: { name: string; reason: string; bytes: string }[];
  }>('meta');

  it('valid ones encode to the given bytes and decode to the given values', () => {
    for (const { meta, bytes } of file.valid) {
      assert.equal(to0x(encodeMeta(meta)), bytes);
      assert.deepEqual(decodeMeta(hex(bytes)), meta);
    }
  });

  for (const { name, reason, bytes } of file.invalid) {
    it(`refuses ${name} (${reason})`, () => {
      assert.throws(() => decodeMeta(hex(bytes)), ArgumentError);
    });
  }
});

describe('head vectors', () => {
  const file = readVectors<{ good: HeadVector[]; bad: HeadVector[] }>('heads');
  const headOf = ({ domain, head }: HeadVector): [HeadDomain, Head] => [
    { chainId: domain.chainId, dissc: address(domain.verifyingContract) },
    {
      ...{ dataset: datasetId(head.dataset), size: Number(head.size), batches: head.batches },
      root: hex(head.root) as Head['root'],
    },
  ];

  it('good ones: EIP-712 hash, signature byte for byte, recovered signer', () => {
    for (const vector of file.good) {
      const [domain, head] = headOf(vector);
      const key = hex(vector.privateKey as string) as PrivateKey;
      assert.equal(to0x(headHash(domain, head)), vector.hash);
      assert.equal(to0x(signHead(domain, head, key)), vector.signature);
      assert.equal(recoverHeadSigner(domain, head, hex(vector.signature)), vector.signer);
      assert.equal(accountOfKey(key), vector.signer);
    }
  });

  for (const vector of file.bad) {
    it(`refuses ${vector.name} (${vector.fault})`, () => {
      const [domain, head] = headOf(vector);
      const recover = (): Address => recoverHeadSigner(domain, head, hex(vector.signature));
      if (vector.fault === 'form') {
        assert.throws(recover, ProofError);
        return;
      }
      // Well formed: it leads to some other account, or to none.
      let signer: string | null = null;
      try {
        signer = recover();
      } catch (cause) {
        assert.ok(cause instanceof ProofError);
      }
      assert.notEqual(signer, vector.signer);
    });
  }
});
