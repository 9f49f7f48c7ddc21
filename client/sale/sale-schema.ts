/** "PlSa": what SQLite's file header says this is. */
export const APPLICATION_ID = 0x506c5361;
export const SCHEMA_VERSION = 2;

/**
 * What is held of an agreement's batches is openings and proofs, nothing secret; keys are derived anew from the agent's file.
 * `received` is the last message taken, `next` the number of the next one to send, `released` counts the blocks of the paid
 * prefix whose keys were sent. Samples stand in the order they were asked for: the first ones are previews.
 */
export const SCHEMA = `
CREATE TABLE identity (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, scanned INTEGER NOT NULL) STRICT;

CREATE TABLE agreements (
  id TEXT PRIMARY KEY,
  nonce TEXT NOT NULL,
  received INTEGER NOT NULL DEFAULT -1,
  next INTEGER,
  due TEXT,
  voucher BLOB,
  released INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  settled TEXT
) STRICT;

CREATE TABLE samples (
  agreement TEXT NOT NULL,
  place INTEGER NOT NULL,
  block INTEGER NOT NULL,
  PRIMARY KEY (agreement, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sampled ON samples (agreement, block);

CREATE TABLE outbox (
  agreement TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  receiver TEXT NOT NULL,
  enc BLOB NOT NULL,
  ciphertext BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (agreement, sequence)
) STRICT;

CREATE TABLE held (
  agreement TEXT NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  dataset TEXT NOT NULL,
  serial INTEGER NOT NULL,
  salt BLOB NOT NULL,
  nonce BLOB,
  openings BLOB NOT NULL,
  proof BLOB NOT NULL,
  PRIMARY KEY (agreement, first)
) STRICT;
CREATE INDEX archived ON held (salt);`;
