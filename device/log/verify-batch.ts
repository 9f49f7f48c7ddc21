import type { Manifest } from '../../core/batch/manifest.ts';
import type { BatchLeaf } from '../../core/batch/record.ts';
import { batchLeafHash } from '../../core/batch/record.ts';
import { batchLeafOf, type DatasetWriter, type LogEnd } from '../../core/batch/seal-batch.ts';
import { commitContent, contentBatchKey, PLAIN_COMMITMENT } from '../../core/block/content-cipher.ts';
import { blockDigest } from '../../core/block/digest.ts';
import { metaHash } from '../../core/block/meta.ts';
import { batchSalt, blockKeys, commitKey, sealDigest } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import { ProofError } from '../../core/errors.ts';
import { appendLeaf, frontierRoot } from '../../core/log/frontier.ts';
import { recoverHeadSigner } from '../../core/log/head.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

/** A batch of the log that was verified to follow on an end. */
export interface VerifiedBatch {
  readonly manifest: Manifest;
  readonly leaf: BatchLeaf;
  readonly end: LogEnd;
  /** Whether this device's account signed it. */
  readonly own: boolean;
}

/**
 * Verifies that a stored batch follows on `end`, was signed, and was made by a holder of the dataset's key: salt,
 * commitments and sealed digests can be made by nobody else. So storage can neither invent a batch nor change one, and a
 * batch of this dataset's former device is told from a forgery without knowing its account.
 * @throws ProofError
 */
export function verifyBatch(
  primitives: Primitives,
  writer: DatasetWriter,
  account: string,
  end: LogEnd,
  manifest: Manifest,
): VerifiedBatch {
  const { dataset, first, head } = manifest;
  if (dataset !== writer.dataset || first !== end.size) {
    throw new ProofError(`A batch of this dataset at block ${end.size} is wanted; the storage gives one at ${first}.`);
  }
  const leaf = batchLeafOf(primitives, manifest);
  const frontier = appendLeaf(primitives, end.frontier, batchLeafHash(primitives, leaf));
  const root = frontierRoot(primitives, frontier);
  if (head.batches !== frontier.leaves || !equalBytes(head.root, root)) {
    throw new ProofError(
      `The stored batch at block ${first} does not follow on batch ${end.frontier.leaves} known here.`,
    );
  }
  const signer = recoverHeadSigner(writer.domain, { dataset, ...head }, manifest.signature);
  requireKeyHolder(primitives, writer, manifest);
  return { manifest, leaf, end: { size: head.size, frontier }, own: signer === account };
}

function requireKeyHolder(primitives: Primitives, writer: DatasetWriter, manifest: Manifest): void {
  const { dataset, first, blocks, nonce } = manifest;
  const digests = blocks.map((block, number) =>
    blockDigest(
      primitives,
      { dataset, index: first + number },
      {
        ...{ size: block.size, sha256: block.sha256, chunkRoot: block.chunkRoot },
        metaHash: metaHash(primitives, block.meta),
      },
    ),
  );
  const salt = batchSalt(primitives, writer.datasetKey, first, digests);
  const keyOf = blockKeys(primitives, writer.datasetKey, salt);
  const content =
    nonce === null
      ? PLAIN_COMMITMENT
      : commitContent(primitives, contentBatchKey(primitives, writer.datasetKey, nonce));
  const made =
    equalBytes(salt, manifest.salt) &&
    equalBytes(content, manifest.contentCommitment) &&
    blocks.every((block, number) => {
      const key = keyOf(first + number);
      const digest = digests[number] as (typeof digests)[number];
      return (
        equalBytes(commitKey(primitives, key), block.commitment) &&
        equalBytes(sealDigest(primitives, digest, key), block.sealed)
      );
    });
  if (!made) throw new ProofError(`The stored batch at block ${first} was not made with this dataset's key.`);
}
