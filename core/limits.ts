/** Every bound of the formats (specification#bounds). */
export const CHUNK_BYTES = 1024;
/** A block's CID is its SHA-256 only while IPFS keeps it in one raw leaf. */
export const MAX_BLOCK_BYTES = 2 ** 20;
export const GCM_TAG_BYTES = 16;
/** The same in every kind, so that a dataset's files are cut alike. */
export const MAX_CONTENT_BYTES = MAX_BLOCK_BYTES - GCM_TAG_BYTES;
export const MAX_BATCH_BLOCKS = 1024;
export const MAX_BATCH_BYTES = 32 * 2 ** 20;
export const MAX_MANIFEST_BYTES = 2 ** 20;
export const MAX_META_BYTES = 512;
/** A frame costs at most 41 bytes a block (three-byte varint and 36-byte CID), the header 59. */
export const MAX_SEGMENT_BYTES = MAX_BATCH_BYTES + MAX_MANIFEST_BYTES + MAX_BATCH_BLOCKS * 41 + 128;
/** Blocks a dataset's log may reach. */
export const MAX_LOG_BLOCKS = 2 ** 48;
/** Blocks a head may have more than the one it grows from: whoever has a device's key cannot use up the numbers. */
export const MAX_GROWTH_BLOCKS = 2 ** 28;
/** sealed, commitment and contentCommitment. */
export const RECORD_BYTES = 96;
export const MAX_NAME_BYTES = 32;
/** Bytes of a key in an object store (S3), in UTF-8. */
export const MAX_OBJECT_KEY_BYTES = 1024;
/** Bytes of a version id in an object store (S3), in UTF-8. */
export const MAX_VERSION_ID_BYTES = 1024;
/** Blocks one get-records request may name (specification#bounds). */
export const MAX_RECORD_BLOCKS = 512;
/** Stored bytes one request may cover (specification#bounds). */
export const MAX_REQUEST_STORED_BYTES = 64 * 2 ** 20;
