/*
 * The outbox, one SQLite file. Content is written once, in pieces: one piece is what one group commit took in, many blocks
 * in one row, so that a block of 1 KiB costs the disk little more than 1 KiB (twice: write-ahead log and checkpoint).
 * Segments are not kept: they are made again, byte for byte, from pieces and the batch's row. Leaf hashes are kept until a
 * batch is checked: where its blocks are lost before, they still prove all others, and the log's growth is made of them.
 *
 * `files` knows what was captured whole, and as what where it was renamed since; `growing` how far a growing file was:
 * `head` and `tail` are hashes of its first bytes and of the last ones before `position`, by which it is known again under
 * another name. A path is null once another file has it. `left_out` is there and not captured, `missed` counts what is gone
 * for good.
 *
 * Sizes, metas and the CRC of each block's content stand in `lines`, whose own CRC is `crc`: damage to one block is damage
 * to one block. `since_ms` is when a batch came into its state, for people; nothing is decided by it, as clocks jump.
 *
 * A block's `seq` counts what was captured, its index what was sealed: only batches have indices. Order is the same.
 */

/** Raised with every change of the tables. */
export const SCHEMA_VERSION = 8;
/** "plOB": tells this file from every other SQLite file. */
export const APPLICATION_ID = 0x706c4f42;

export const SCHEMA = `
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  dataset TEXT NOT NULL,
  account TEXT NOT NULL,
  kind INTEGER NOT NULL,
  outbox_id BLOB NOT NULL
) STRICT;

CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  blocks INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  stream_bytes INTEGER NOT NULL,
  dropped_blocks INTEGER NOT NULL,
  dropped_bytes INTEGER NOT NULL,
  commits INTEGER NOT NULL
) STRICT;

CREATE TABLE losses (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  blocks INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  noted INTEGER NOT NULL
) STRICT;

CREATE TABLE second_writer (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  from_block INTEGER NOT NULL,
  blocks INTEGER NOT NULL
) STRICT;

CREATE TABLE pieces (
  seq INTEGER PRIMARY KEY,
  blocks INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  gap INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  lines BLOB NOT NULL,
  content BLOB NOT NULL
) STRICT;

CREATE TABLE batches (
  first INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  blocks INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  serial INTEGER NOT NULL,
  random16 BLOB NOT NULL,
  after BLOB,
  before_at_ms INTEGER,
  planned_ms INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  looked INTEGER,
  sha256 BLOB,
  segment_bytes INTEGER,
  root BLOB,
  peaks BLOB,
  signature BLOB,
  end_at_ms INTEGER,
  leaves BLOB,
  front BLOB
) STRICT;
CREATE INDEX batches_by_state ON batches (state, first);

CREATE TABLE to_publish (
  first INTEGER PRIMARY KEY,
  serial INTEGER NOT NULL,
  salt BLOB NOT NULL,
  nonce BLOB,
  sealed BLOB NOT NULL,
  from_block INTEGER NOT NULL
) STRICT;

CREATE TABLE final_head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  size INTEGER NOT NULL,
  chain_block INTEGER NOT NULL
) STRICT;

CREATE TABLE files (
  path TEXT PRIMARY KEY,
  identity TEXT NOT NULL,
  parts INTEGER NOT NULL,
  captured_parts INTEGER NOT NULL,
  end_seq INTEGER NOT NULL,
  part_bytes INTEGER,
  content_hash BLOB,
  gone_ms INTEGER,
  captured_as TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_former_name ON files (captured_as) WHERE captured_as IS NOT NULL;
CREATE INDEX files_by_identity ON files (identity) WHERE content_hash IS NOT NULL;

CREATE TABLE growing (
  id INTEGER PRIMARY KEY,
  path TEXT UNIQUE,
  name TEXT NOT NULL,
  stem TEXT NOT NULL,
  inode TEXT NOT NULL,
  seen TEXT NOT NULL,
  position INTEGER NOT NULL,
  head_bytes INTEGER NOT NULL,
  head BLOB NOT NULL,
  tail_bytes INTEGER NOT NULL,
  tail BLOB NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX growing_by_inode ON growing (inode);
CREATE INDEX growing_by_stem ON growing (stem);

CREATE TABLE left_out (
  what TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE missed (
  reason TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  last TEXT NOT NULL,
  last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE adopted_parts (
  name TEXT NOT NULL,
  idx INTEGER NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  size INTEGER NOT NULL,
  nonce BLOB NOT NULL,
  sha256 BLOB NOT NULL,
  PRIMARY KEY (name, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
  step TEXT PRIMARY KEY,
  since_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  reason TEXT NOT NULL,
  kind TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE transactions (
  nonce INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  raw TEXT NOT NULL,
  max_fee TEXT NOT NULL,
  max_tip TEXT NOT NULL,
  sent_ms INTEGER NOT NULL
) STRICT;
`;
