import type { AttachedObject } from '../block/attached-object.ts';
import type { ChunkRoot, DatasetId, LogRoot, Nonce, Salt, Sha256 } from '../ids.ts';
import type { BlockRecord } from '../log/record.ts';

/** One block's line in the manifest. `sha256` stands in the file as a raw CIDv1. */
export interface ManifestBlock {
  readonly sha256: Sha256;
  /** Bytes stored, with the tag when encrypted. */
  readonly size: number;
  readonly chunkRoot: ChunkRoot;
  /** Canonical dag-cbor of the block's meta. */
  readonly meta: Uint8Array;
  readonly record: BlockRecord;
  /** Where the bytes are in an attached dataset; null in others. */
  readonly object: AttachedObject | null;
}

/** What a segment says about itself (specification#manifest). */
export interface Manifest {
  readonly dataset: DatasetId;
  /** Of the device that sealed it: that of the first charter that names it. */
  readonly serial: number;
  readonly first: number;
  readonly salt: Salt;
  /** 16 bytes; null when the dataset is not encrypted. */
  readonly nonce: Nonce | null;
  /** The log's head after this batch. */
  readonly head: { readonly size: number; readonly root: LogRoot };
  readonly signature: Uint8Array;
  readonly blocks: readonly ManifestBlock[];
}
