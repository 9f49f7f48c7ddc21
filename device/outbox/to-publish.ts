import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { Nonce, Salt, SealedDigest } from '../../core/ids.ts';
import { stateNumber } from './batch-rows.ts';
import { joinHashes, splitHashes } from './hash-list.ts';
import type { Outbox } from './open-outbox.ts';

/** A batch whose sealed digests the chain does not have yet, as far as this outbox knows. */
export interface UnpublishedBatch {
  readonly first: number;
  readonly serial: number;
  readonly salt: Salt;
  readonly nonce: Nonce | null;
  readonly sealed: readonly SealedDigest[];
  /** Before this chain block nobody can have published it. */
  readonly fromBlock: number;
}

/** Keeps what is to be published of a batch. It is 32 bytes a block: nothing else has to wait for the chain. */
export function keepToPublish(
  outbox: Outbox,
  { first, serial, salt, nonce, blocks }: Pick<Manifest, 'first' | 'serial' | 'salt' | 'nonce' | 'blocks'>,
  fromBlock: number,
): void {
  const sealed = joinHashes(blocks.map(({ record }) => record.sealed));
  outbox
    .sql('INSERT OR REPLACE INTO to_publish (first, serial, salt, nonce, sealed, from_block) VALUES (?, ?, ?, ?, ?, ?)')
    .run(first, serial, salt, nonce, sealed, fromBlock);
}

/** The oldest batch that is final and to be published: one that is not may lose its place, and publishing costs gas. */
export function nextToPublish(outbox: Outbox): UnpublishedBatch | null {
  const row = outbox
    .sql(`SELECT p.* FROM to_publish p LEFT JOIN batches b ON b.first = p.first
      WHERE b.first IS NULL OR b.state >= ? ORDER BY p.first LIMIT 1`)
    .get(stateNumber('final'));
  if (row === undefined) return null;
  return {
    first: row.first as number,
    serial: row.serial as number,
    salt: row.salt as Salt,
    nonce: row.nonce as Nonce | null,
    sealed: splitHashes(row.sealed as Uint8Array) as SealedDigest[],
    fromBlock: row.from_block as number,
  };
}

/** It is on the chain, unless another has taken its place here meanwhile. */
export function notePublished(outbox: Outbox, { first, sealed }: UnpublishedBatch): void {
  outbox.sql('DELETE FROM to_publish WHERE first = ? AND sealed = ?').run(first, joinHashes(sealed));
}

export function countUnpublished(outbox: Outbox): number {
  return outbox.sql('SELECT count(*) AS n FROM to_publish').get()?.n as number;
}
