/** "PlSa": what SQLite's file header says this is. */
export const APPLICATION_ID = 0x506c5361;
export const SCHEMA_VERSION = 1;

/**
 * Archives hold openings and records, nothing secret; keys are derived anew from the agent's file. `received` is the last message taken,
 * `next` the number of the next one to send, `released` counts the blocks of the paid prefix whose keys were sent.
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

CREATE TABLE samples (agreement TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (agreement, block)) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  agreement TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  receiver TEXT NOT NULL,
  enc BLOB NOT NULL,
  ciphertext BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (agreement, sequence)
) STRICT;

CREATE TABLE batches (
  dataset TEXT NOT NULL,
  first INTEGER NOT NULL,
  salt BLOB NOT NULL,
  nonce BLOB,
  content BLOB NOT NULL,
  published INTEGER NOT NULL,
  blocks BLOB NOT NULL,
  PRIMARY KEY (dataset, first, salt)
) STRICT;

CREATE TABLE places (
  agreement TEXT NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  position INTEGER NOT NULL,
  salt BLOB NOT NULL,
  path BLOB NOT NULL,
  PRIMARY KEY (agreement, first)
) STRICT;`;
