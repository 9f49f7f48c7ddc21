/** A batch of blocks that have bytes, and the answers to challenges of them: what the bench and the tests of OCASC sell. */
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { batchRoot, recordHash, sealedHash } from '../../core/batch/record.ts';
import { chunkCount, proveChunk } from '../../core/block/chunk-tree.ts';

import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { blockKeys, commitKey, sealDigest } from '../../core/block/seal.ts';
import { type ContentCommitment, type DatasetKey, datasetId, type Salt } from '../../core/ids.ts';
import { inclusionPath } from '../../core/log/merkle.ts';
import { type Log, type LogBatch, nextBytes32 } from './dissc-log.ts';

export interface SoldBatch {
  /** What is to be recorded. */
  readonly batch: LogBatch;
  readonly first: number;
  /** `IOCASC.Answer` for chunk `seed mod n` of a block, against the log as it is now. */
  answer(log: Log, blockIndex: number, seed: number): object;
}

/** Seals blocks of these sizes as the next batch of a log, to be published. What is encrypted does not matter here. */
export function makeSoldBatch(log: Log, sizes: readonly number[]): SoldBatch {
  const dataset = datasetId(log.dataset);
  const [first, number] = [log.size, log.batches];
  const salt = nextBytes32() as Uint8Array as Salt;
  const keyOf = blockKeys(nodePrimitives, nextBytes32() as Uint8Array as DatasetKey, salt);
  const blocks = sizes.map((size, i) => {
    const bytes = makeBytes(size);
    const opening = openBlock(nodePrimitives, bytes, nextBytes32());
    const digest = blockDigest(nodePrimitives, { dataset, index: first + i }, opening);
    const key = keyOf(first + i);
    const record = { sealed: sealDigest(nodePrimitives, digest, key), commitment: commitKey(nodePrimitives, key) };
    return { bytes, opening, key, record };
  });
  const contentCommitment = nextBytes32() as Uint8Array as ContentCommitment;
  const records = blocks.map(({ record }) => record);
  const hashes = records.map((record) => recordHash(nodePrimitives, record));
  const sealed = records.map((record) => record.sealed);
  const batch = {
    count: blocks.length,
    salt,
    batchRoot: batchRoot(nodePrimitives, contentCommitment, records),
    sealedDigests: Buffer.concat(sealed),
  };
  return {
    batch,
    first,
    answer(current, blockIndex, seed) {
      const { bytes, opening, key } = blocks[blockIndex - first]!;
      const { chunk, path } = proveChunk(nodePrimitives, bytes, seed % chunkCount(bytes.length));
      return {
        chunk,
        chunkPath: path,
        size: opening.size,
        blockHash: opening.sha256,
        metaHash: opening.metaHash,
        blockKey: key,
        recordPath: inclusionPath(nodePrimitives, hashes, blockIndex - first),
        first,
        count: blocks.length,
        salt,
        contentCommitment,
        sealedHash: sealedHash(sealed),
        batch: number,
        logPath: inclusionPath(nodePrimitives, current.leafHashes, number),
      };
    },
  };
}

/** Bytes without many zeros among them, as encrypted ones are. */
function makeBytes(size: number): Uint8Array {
  const words = Array.from({ length: Math.ceil(size / 32) }, nextBytes32);
  return Buffer.concat(words).subarray(0, size);
}
