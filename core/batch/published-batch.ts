import { commitContent, contentBatchKey, contentKey, PLAIN_COMMITMENT } from '../block/content-keys.ts';
import { blockKeys, commitKey } from '../block/seal.ts';
import { isZero } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { AuditKey, Nonce, ReadKey, Salt, SealedDigest } from '../ids.ts';
import type { BlockRecord } from '../log/record.ts';
import type { Primitives } from '../ports/primitives.ts';
import { requireBatchCount } from './seal-batch.ts';

/** What DISSC's event `Published` says of one batch. Anybody may have sent it. */
export interface PublishedBatch {
  readonly first: number;
  readonly salt: Salt;
  /** 16 bytes; zeros when the dataset is not encrypted. */
  readonly nonce: Nonce;
  /** 32 bytes a block. */
  readonly sealedDigests: Uint8Array;
}

/**
 * The records that a published batch must have under these keys: the owner's, by the serial in the event. They count only
 * once they lead to a recorded head (specification#published-batches).
 * @throws ArgumentError unless there are 32 bytes for each of 1 to 1,024 blocks
 */
export function recordsOfPublished(
  primitives: Pick<Primitives, 'sha256' | 'hmacSha256'>,
  keys: { readonly auditKey: AuditKey; readonly readKey: ReadKey },
  { first, salt, nonce, sealedDigests }: PublishedBatch,
): BlockRecord[] {
  const count = sealedDigests.length / 32;
  if (!Number.isInteger(count)) {
    throw new ArgumentError(`Sealed digests have 32 bytes each; ${sealedDigests.length} bytes are published.`);
  }
  requireBatchCount(count);
  const keyOf = blockKeys(primitives, keys.auditKey, salt);
  const batchKey = isZero(nonce) ? null : contentBatchKey(primitives, keys.readKey, nonce);
  return Array.from({ length: count }, (_, number) => ({
    sealed: sealedDigests.slice(32 * number, 32 * (number + 1)) as SealedDigest,
    commitment: commitKey(primitives, keyOf(first + number)),
    contentCommitment:
      batchKey === null
        ? PLAIN_COMMITMENT
        : commitContent(primitives, contentKey(primitives, batchKey, first + number)),
  }));
}
