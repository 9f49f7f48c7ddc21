import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { prepareStatements, type Statements } from '../../adapters/sqlite/prepare-statements.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { createPrivateFile } from './create-private-file.ts';
import { OutboxDamagedError, OutboxMismatchError } from './errors.ts';
import { lockOutbox } from './lock-outbox.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** What the device keeps on its own disk. Operations on it stand in this folder, one a file. */
export interface Outbox extends Statements {
  readonly path: string;
  close(): void;
}

export interface OutboxOwner {
  readonly dataset: DatasetId;
  readonly account: Address;
  readonly kind: DatasetKind;
}

/**
 * Opens the outbox, or makes an empty one, for one process and one dataset, and checks that SQLite finds it sound.
 * When the dataset has another device now, batches that the former one has not stored are sealed anew: their keys are gone.
 * @throws OutboxBusyError | OutboxDamagedError | OutboxMismatchError | FileError
 */
export function openOutbox(path: string, owner: OutboxOwner): Outbox {
  const unlock = lockOutbox(`${path}.lock`);
  try {
    createPrivateFile(path);
    const database = openDatabase(path);
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      database.exec('PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 8388608;');
      prepareTables(database, path);
      syncDirectory(path);
      const outbox = outboxOf(path, database, unlock);
      requireOwner(outbox, owner);
      return outbox;
    } catch (cause) {
      database.close();
      if (cause instanceof PlumblineError) throw cause;
      throw new OutboxDamagedError(`The outbox ${path} cannot be used. Keep a copy of it; move it away to go on.`, {
        cause,
      });
    }
  } catch (cause) {
    unlock();
    throw cause;
  }
}

/** Opens an outbox for reading beside the process that works on it. @throws OutboxMismatchError */
export function openOutboxReadOnly(path: string): Outbox {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    requireVersion(database, path);
  } catch (cause) {
    if (cause instanceof OutboxMismatchError) throw cause;
    throw new OutboxMismatchError(
      existsSync(path)
        ? `The outbox at ${path} cannot be read.`
        : `No device has run here yet: there is no outbox at ${path}. Start one with: plumb device run`,
      { cause },
    );
  }
  return outboxOf(path, database, () => {});
}

function openDatabase(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 5000 });
  } catch (cause) {
    throw new OutboxDamagedError(`The outbox ${path} cannot be opened.`, { cause });
  }
}

function prepareTables(database: DatabaseSync, path: string): void {
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {});
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get();
  if (version === 0 && tables?.n === 0) {
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA}
      INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0);
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
  }
  requireVersion(database, path);
  const [verdict] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
  if (verdict !== 'ok') {
    throw new OutboxDamagedError(
      `The outbox ${path} is damaged: ${verdict}. Keep a copy of it; move it away to go on.`,
    );
  }
}

function requireVersion(database: DatabaseSync, path: string): void {
  const [id] = Object.values(database.prepare('PRAGMA application_id').get() ?? {});
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {});
  if (id !== APPLICATION_ID) throw new OutboxMismatchError(`${path} is not an outbox.`);
  if (version !== SCHEMA_VERSION) {
    throw new OutboxMismatchError(`The outbox ${path} has version ${version}; this program reads ${SCHEMA_VERSION}.`);
  }
}

/** A new file's name must survive a power cut as well as its bytes. */
function syncDirectory(path: string): void {
  const directory = openSync(dirname(resolve(path)), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function requireOwner(outbox: Outbox, owner: OutboxOwner): void {
  const found = outbox.sql('SELECT dataset, account, kind FROM identity').get();
  if (found === undefined) {
    outbox.commit(() => {
      outbox.sql('INSERT INTO identity VALUES (1, ?, ?, ?)').run(owner.dataset, owner.account, owner.kind);
    });
    return;
  }
  // The id is made of the kind, too.
  if (found.dataset !== owner.dataset || found.kind !== owner.kind) {
    throw new OutboxMismatchError(`${outbox.path} is the outbox of dataset ${found.dataset}, not of ${owner.dataset}.`);
  }
  if (found.account === owner.account) return;
  outbox.commit(() => {
    outbox.sql('UPDATE identity SET account = ?').run(owner.account);
    outbox.sql('DELETE FROM transactions').run();
    // States from 2 on are stored. Whatever lies behind one that is not was made as its continuation.
    const open = outbox.sql('SELECT min(first) AS first FROM batches WHERE state < 2').get()?.first;
    for (const table of ['batches', 'to_publish']) {
      if (typeof open === 'number') outbox.sql(`DELETE FROM ${table} WHERE first >= ?`).run(open);
    }
  });
}

function outboxOf(path: string, database: DatabaseSync, unlock: () => void): Outbox {
  return {
    path,
    ...prepareStatements(database),
    close() {
      database.close();
      unlock();
    },
  };
}
