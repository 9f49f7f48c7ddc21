/** Every bound of formats, version 1 (design §4). */
export const CHUNK_BYTES = 1024;
/** A block's CID is its SHA-256 only while IPFS keeps it in one raw leaf. */
export const MAX_BLOCK_BYTES = 2 ** 20;
export const GCM_TAG_BYTES = 16;
/** The same for plain datasets, so that a dataset's files are cut alike. */
export const MAX_CONTENT_BYTES = MAX_BLOCK_BYTES - GCM_TAG_BYTES;
export const MAX_BATCH_BLOCKS = 1024;
export const MAX_BATCH_BYTES = 32 * 2 ** 20;
export const MAX_MANIFEST_BYTES = 2 ** 20;
export const MAX_META_BYTES = 512;
/** A frame costs at most 41 bytes a block (three-byte varint and 36-byte CID), the header 59. */
export const MAX_SEGMENT_BYTES = MAX_BATCH_BYTES + MAX_MANIFEST_BYTES + MAX_BATCH_BLOCKS * 41 + 128;
/** Blocks one get-records request may name (design §6). */
export const MAX_RECORD_BLOCKS = 512;
/** Stored bytes one request may cover (design §6). */
export const MAX_REQUEST_STORED_BYTES = 64 * 2 ** 20;
