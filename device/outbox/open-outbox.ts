import { closeSync, existsSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { prepareStatements, type Statements } from '../../adapters/sqlite/prepare-statements.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { createPrivateFile } from './create-private-file.ts';
import { OutboxDamagedError, OutboxMismatchError, OutboxUnavailableError } from './errors.ts';
import { explainFault, SALVAGE_ADVICE } from './explain-fault.ts';
import { type HighMark, type HighMarkFile, openHighMark, readHighMark, type Trouble } from './high-mark.ts';
import { lockOutbox, lockPathOf } from './lock-outbox.ts';
import { keepLoss } from './losses.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** What the device keeps on its own disk. Operations on it stand in this folder, one a file. */
export interface Outbox extends Statements {
  readonly path: string;
  /** Whether it could not be written when that was last noted. */
  hasTrouble(): boolean;
  /** Keeps what is wrong where the outbox itself cannot be written; null when it can. */
  noteTrouble(trouble: Omit<Trouble, 'sinceMs'> | null): void;
  /**
   * Nothing may be answered for in a file that nobody finds again.
   * @throws OutboxUnavailableError when the file was removed, or has another in its place
   */
  requirePlace(): void;
  close(): void;
}

export interface OutboxOwner {
  readonly dataset: DatasetId;
  readonly account: Address;
  readonly kind: DatasetKind;
}

/**
 * Opens the outbox, or makes an empty one, for one process and one dataset, and checks that SQLite finds it sound. What its
 * mark says that it had answered for, and it does not hold, is kept as a loss (losses.ts).
 * When the dataset has another device now, batches that the former one has not stored are sealed anew: their keys are gone.
 * @throws OutboxUnavailableError when the disk does not let it now: try again (open-patiently.ts)
 * @throws OutboxBusyError | OutboxDamagedError | OutboxMismatchError | FileError
 */
export function openOutbox(path: string, owner: OutboxOwner): Outbox {
  const opened: (() => void)[] = [];
  try {
    opened.push(lockOutbox(lockPathOf(path)));
    createPrivateFile(path);
    const { mark } = readHighMark(path);
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    opened.push(() => database.close());
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec('PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 8388608;');
    prepareTables(database, path);
    syncDirectory(path);
    const file = openHighMark(path);
    opened.push(() => file.close());
    const outbox = outboxOf(path, database, file, () => closeAll(opened));
    requireOwner(outbox, owner);
    keepShortening(outbox, mark);
    return outbox;
  } catch (cause) {
    closeAll(opened);
    const explained = explainFault(path, cause);
    if (explained instanceof PlumblineError) throw explained;
    throw new OutboxDamagedError(`The outbox ${path} cannot be used. ${SALVAGE_ADVICE}`, { cause });
  }
}

/** Opens an outbox for reading beside the process that works on it. @throws OutboxMismatchError | OutboxDamagedError */
export function openOutboxReadOnly(path: string): Outbox {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    requireVersion(database, path);
  } catch (cause) {
    const explained = explainFault(path, cause);
    if (explained instanceof PlumblineError && existsSync(path)) throw explained;
    throw new OutboxMismatchError(
      existsSync(path)
        ? `The outbox at ${path} cannot be read.`
        : `No device has run here yet, because there is no outbox at ${path}. Start a device: plumb device run`,
      { cause },
    );
  }
  return outboxOf(path, database, null, () => database.close());
}

/** How long a call waits for another program: what is busy longer is tried again, and other work goes on meanwhile. */
const BUSY_MS = 1000;

/** The last opened first; the lock is the last that goes. */
function closeAll(opened: (() => void)[]): void {
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) close();
}

function prepareTables(database: DatabaseSync, path: string): void {
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {});
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get();
  if (version === 0 && tables?.n === 0) {
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA}
      INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0, 0);
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
    // From here on the file itself is an outbox, whatever happens to its log.
    database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  }
  requireVersion(database, path);
  requireTables(database, path);
  requireSound(database, path);
}

// Reading so much takes a second on a memory card.
const WHOLE_CHECK_BYTES = 64 * 2 ** 20;

/**
 * Of a large outbox, `pieces` is left out: it would be read whole before anything is captured. Each of its blocks is checked
 * when it is read.
 */
function requireSound(database: DatabaseSync, path: string): void {
  const [pages] = Object.values(database.prepare('PRAGMA page_count').get() ?? {}) as [number];
  const [pageBytes] = Object.values(database.prepare('PRAGMA page_size').get() ?? {}) as [number];
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'pieces'").all();
  const checks = pages * pageBytes > WHOLE_CHECK_BYTES ? tables.map(({ name }) => `'${name}'`) : ['1'];
  for (const check of checks) {
    const [verdict] = Object.values(database.prepare(`PRAGMA quick_check(${check})`).get() ?? {});
    if (verdict === 'ok') continue;
    throw new OutboxDamagedError(`The outbox ${path} is damaged: ${verdict}. ${SALVAGE_ADVICE}`);
  }
}

/** Damage to the page that describes the tables would show as a table that is not there. */
function requireTables(database: DatabaseSync, path: string): void {
  const found = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').all();
  const wanted = SCHEMA.split(';').map((text) => text.trim());
  const missing = wanted.filter((text) => text !== '' && !found.some(({ sql }) => sql === text));
  if (missing.length === 0) return;
  throw new OutboxDamagedError(
    `The outbox ${path} is damaged. Its tables have changed since they were made. ${SALVAGE_ADVICE}`,
  );
}

function requireVersion(database: DatabaseSync, path: string): void {
  const [id] = Object.values(database.prepare('PRAGMA application_id').get() ?? {});
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {});
  if (id !== APPLICATION_ID) throw new OutboxMismatchError(`${path} is not an outbox.`);
  if (version !== SCHEMA_VERSION) {
    throw new OutboxMismatchError(
      `The outbox ${path} has version ${version}; this program reads ${SCHEMA_VERSION}. Let the program that made it finish (plumb device run --until-idle), then move it away.`,
    );
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
      outbox
        .sql('INSERT INTO identity VALUES (1, ?, ?, ?, randomblob(16))')
        .run(owner.dataset, owner.account, owner.kind);
    });
    return;
  }
  // The id is made of the kind, too.
  if (found.dataset !== owner.dataset || found.kind !== owner.kind) {
    throw new OutboxMismatchError(`${outbox.path} belongs to dataset ${found.dataset}, not to ${owner.dataset}.`);
  }
  if (found.account === owner.account) return;
  outbox.commit(() => {
    outbox.sql('UPDATE identity SET account = ?').run(owner.account);
    outbox.sql('DELETE FROM transactions').run();
    outbox.sql('DELETE FROM second_writer').run();
    // States from 2 on are stored. Whatever lies behind one that is not was made as its continuation.
    const open = outbox.sql('SELECT min(first) AS first FROM batches WHERE state < 2').get()?.first;
    for (const table of ['batches', 'to_publish']) {
      if (typeof open === 'number') outbox.sql(`DELETE FROM ${table} WHERE first >= ?`).run(open);
    }
  });
}

/**
 * What was answered for, and is not here: a log that was cut, damaged or lost, a file put back from a copy. An outbox with
 * another id began behind it.
 */
function keepShortening(outbox: Outbox, mark: HighMark | null): void {
  if (mark === null) return;
  const here = outbox.sql('SELECT blocks, bytes, commits, outbox_id FROM counters, identity').get();
  const isSame = equalBytes(here?.outbox_id as Uint8Array, mark.outboxId);
  const held = isSame ? (here as unknown as HighMark) : { commits: 0, blocks: 0, bytes: 0 };
  if (isSame && mark.commits <= held.commits) return;
  const blocks = Math.max(0, mark.blocks - held.blocks);
  const bytes = Math.max(0, mark.bytes - held.bytes);
  // Once: the commit that keeps it writes another mark.
  outbox.commit(() => keepLoss(outbox, { kind: 'shortened', atMs: 0, blocks, bytes }, false));
}

/** Null where nothing is. */
function inodeAt(path: string): bigint | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
  } catch (cause) {
    throw explainFault(path, cause);
  }
}

function outboxOf(path: string, database: DatabaseSync, file: HighMarkFile | null, close: () => void): Outbox {
  const statements = prepareStatements(database, (cause) => explainFault(path, cause));
  const { sql, commit } = statements;
  const inode = inodeAt(path);
  let outboxId: Uint8Array | null = null;
  const noteMark = (counters: Record<string, unknown> | undefined): void => {
    outboxId ??= (sql('SELECT outbox_id FROM identity').get()?.outbox_id as Uint8Array | undefined) ?? null;
    if (outboxId === null || counters === undefined) return;
    const { commits, blocks, bytes, stream_bytes: streamBytes } = counters as Record<string, number>;
    file?.write({ outboxId, commits, blocks, bytes, streamBytes } as HighMark);
  };
  return {
    path,
    sql,
    commit(work) {
      if (database.isTransaction) return work();
      let counters: Record<string, unknown> | undefined;
      const result = commit(() => {
        const made = work();
        counters = sql(
          'UPDATE counters SET commits = commits + 1 RETURNING commits, blocks, bytes, stream_bytes',
        ).get();
        return made;
      });
      noteMark(counters);
      return result;
    },
    hasTrouble: () => file?.hasTrouble() ?? false,
    noteTrouble: (trouble) => file?.noteTrouble(trouble),
    requirePlace() {
      if (inodeAt(path) === inode) return;
      throw new OutboxUnavailableError(
        `The outbox ${path} was removed or replaced while this device was running on it. The device has stopped capturing. Put the outbox back, or start the device again.`,
      );
    },
    close,
  };
}
