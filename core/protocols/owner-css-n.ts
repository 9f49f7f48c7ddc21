import { commitContent, contentBatchKey, contentKey, decryptContent, isPlain } from '../block/content-cipher.ts';
import { openBlock } from '../block/digest.ts';
import { blockKeys } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import type { ChunkRoot, DatasetId, DatasetKey } from '../ids.ts';
import { MAX_BLOCK_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Verdict } from '../verdict.ts';
import { judgeOpening, verdictOn } from './judge-block.ts';
import type { ProvenRecord } from './prove-records.ts';
import type { SignerOf } from './signers.ts';

/** What an owner checks retrieved bytes with. */
export interface OwnerCssN {
  readonly primitives: Primitives;
  readonly dataset: DatasetId;
  readonly datasetKey: DatasetKey;
  readonly signerOf: SignerOf;
}

/** A block as storage gave it. `listedChunkRoot` is what its segment says of it, where there is one. */
export interface RetrievedBlock {
  readonly block: Uint8Array;
  readonly meta: Uint8Array;
  readonly listedChunkRoot?: ChunkRoot;
}

/**
 * Protocol II (Table III), plain retrieval: hashes the whole block here and compares it with the opened record
 * (steps 8–13). Evidence is `retrieved`.
 */
export function verifyRetrieved(deps: OwnerCssN, record: ProvenRecord, retrieved: RetrievedBlock): Verdict {
  const { primitives, dataset } = deps;
  const trial = { dataset, record, evidence: 'retrieved' as const, signer: deps.signerOf(record.batch.position) };
  if (retrieved.block.length === 0) return verdictOn(trial, 'unavailable', 'The storage gives no bytes.');
  if (retrieved.block.length > MAX_BLOCK_BYTES) return verdictOn(trial, 'corrupted', 'No block is as large as this.');
  const key = blockKeys(primitives, deps.datasetKey, record.batch.salt)(record.index);
  const opening = openBlock(primitives, retrieved.block, retrieved.meta);
  const verdict = judgeOpening(primitives, trial, key, opening);
  if (verdict.verdict !== 'corrupted' || retrieved.listedChunkRoot === undefined) return verdict;
  // The bytes have the recorded SHA-256 but not the chunk root recorded with it: the record contradicts itself.
  const asListed = judgeOpening(primitives, trial, key, { ...opening, chunkRoot: retrieved.listedChunkRoot });
  if (asListed.verdict !== 'intact') return verdict;
  return {
    ...verdictOn(trial, 'misrecorded', 'The recorded chunk root is not that of the recorded bytes.'),
    blame: 'writer',
  };
}

/**
 * Content of a block whose verdict is intact.
 * @throws ProofError when the nonce that storage gives does not lead to the recorded content commitment
 * @throws KeyError when the block was encrypted under another key than its batch committed to: the writer's doing
 */
export function openContent(deps: OwnerCssN, record: ProvenRecord, block: Uint8Array): Uint8Array {
  const { primitives, dataset, datasetKey } = deps;
  const { contentCommitment, nonce } = record.batch;
  if (isPlain(contentCommitment)) return block;
  if (nonce === null) throw new ProofError(`The nonce of the batch of block ${record.index} is missing.`);
  const batchKey = contentBatchKey(primitives, datasetKey, nonce);
  if (!equalBytes(commitContent(primitives, batchKey), contentCommitment)) {
    throw new ProofError(`The nonce of the batch of block ${record.index} does not lead to its content commitment.`);
  }
  return decryptContent(
    primitives,
    contentKey(primitives, batchKey, record.index),
    { dataset, index: record.index },
    block,
  );
}
