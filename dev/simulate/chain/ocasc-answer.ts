import { nodePrimitives as hasher } from '../../../adapters/crypto/node-primitives.ts';
import { chunkCount, chunkRootFromProof } from '../../../core/block/chunk-tree.ts';
import { commitContent } from '../../../core/block/content-keys.ts';
import { blockDigest } from '../../../core/block/digest.ts';
import { openDigest } from '../../../core/block/seal.ts';
import { equalBytes, fromHex } from '../../../core/bytes.ts';
import { PlumblineError } from '../../../core/errors.ts';
import type { BlockKey, ContentKey, DatasetId, MetaHash, Sha256 } from '../../../core/ids.ts';
import { rootFromPath } from '../../../core/log/merkle.ts';
import { parseRecord, recordHash } from '../../../core/log/record.ts';

/** `IOCASC.Answer` as ethers decodes it: 0x-hex. */
export interface ModelAnswer {
  readonly sealedDigest: string;
  readonly commitment: string;
  readonly contentCommitment: string;
  readonly path: readonly string[];
  readonly key: string;
  readonly size: bigint;
  readonly blockHash: string;
  readonly metaHash: string;
  readonly chunk: string;
  readonly chunkPath: readonly string[];
}

/** The root that the answer's record leads to; null where its path cannot be. */
export function rootOfAnswer(answer: ModelAnswer, block: number, size: number): Uint8Array | null {
  return orNull(() => rootFromPath(hasher, recordHash(hasher, recordOf(answer)), block, size, bytesOf(answer.path)));
}

export function opensKey(answer: ModelAnswer): boolean {
  const committed = commitContent(hasher, fromHex(answer.key) as ContentKey);
  return equalBytes(committed, recordOf(answer).contentCommitment);
}

/** The number of the chunk that is shown; null where it is not the one asked for, or the record does not seal it. */
export function opensChunk(dataset: DatasetId, index: number, seed: number, answer: ModelAnswer): number | null {
  const sizeBytes = Number(answer.size);
  return orNull(() => {
    const proof = { chunk: fromHex(answer.chunk), path: bytesOf(answer.chunkPath) };
    const opening = {
      ...{
        size: sizeBytes,
        sha256: fromHex(answer.blockHash) as Sha256,
        metaHash: fromHex(answer.metaHash) as MetaHash,
      },
      chunkRoot: chunkRootFromProof(hasher, sizeBytes, seed, proof),
    };
    const { sealed, commitment } = recordOf(answer);
    const recorded = openDigest(hasher, sealed, commitment, fromHex(answer.key) as BlockKey);
    return equalBytes(recorded, blockDigest(hasher, { dataset, index }, opening)) ? seed % chunkCount(sizeBytes) : null;
  });
}

function recordOf({ sealedDigest, commitment, contentCommitment }: ModelAnswer) {
  return parseRecord(Buffer.concat([sealedDigest, commitment, contentCommitment].map((part) => fromHex(part))));
}

function bytesOf(path: readonly string[]): Uint8Array[] {
  return path.map((step) => fromHex(step));
}

function orNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof PlumblineError) return null;
    throw cause;
  }
}
