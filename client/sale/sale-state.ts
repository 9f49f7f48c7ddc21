import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { requirePrivate } from '../../adapters/keys/require-private.ts';
import { holdLock } from '../../adapters/sqlite/hold-lock.ts';
import { prepareStatements, type Statements } from '../../adapters/sqlite/prepare-statements.ts';
import { type ErrorKind, PlumblineError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './sale-schema.ts';

/** What the owner's side keeps on its own disk: archives, vouchers, samples, and messages on their way. */
export interface SaleState extends Statements {
  readonly folder: string;
  close(): void;
}

/** Whose sales these are. */
export interface SaleIdentity {
  readonly chainId: number;
  readonly ocasc: Address;
  readonly owner: Address;
  readonly agent: Address;
}

/** The folder of the owner's side of sales cannot be used. */
export class SaleStateError extends PlumblineError {
  override readonly name: string = 'SaleStateError';
  readonly kind: ErrorKind = 'file';
}

/** Another process serves sales from the folder. */
export class SaleStateBusyError extends SaleStateError {
  override readonly name = 'SaleStateBusyError';
  override readonly kind = 'state';
}

/**
 * Opens the state in a folder of its own, or begins it, for one process: two servers would answer with the same sequence
 * numbers.
 * @throws SaleStateBusyError when another process has it; SaleStateError when it is another owner's, or damaged
 *
 * @example
 * const account = `0x${'11'.repeat(20)}` as const;
 * const state = openSaleState(`${folder}/sales`, { chainId: 31_337, ocasc: account, owner: account, agent: account });
 * state.close();
 */
export function openSaleState(folder: string, identity: SaleIdentity): SaleState {
  const path = resolve(folder);
  makePrivateFolder(path);
  const unlock = lockFolder(join(path, 'lock'));
  const file = join(path, 'sales.sqlite');
  let database: DatabaseSync | null = null;
  try {
    closeSync(openSync(file, 'a', 0o600));
    database = new DatabaseSync(file, { timeout: 5000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;');
    prepareTables(database, file);
    syncFolder(path);
    const state = stateOf(path, database, unlock);
    requireIdentity(state, identity);
    return state;
  } catch (cause) {
    database?.close();
    unlock();
    if (cause instanceof PlumblineError) throw cause;
    throw new SaleStateError(`${file} cannot be used. Keep a copy; to start again, move the folder away.`, {
      cause,
    });
  }
}

function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  requirePrivate(path, statSync(path));
}

function lockFolder(path: string): () => void {
  closeSync(openSync(path, 'a', 0o600));
  const unlock = holdLock(path);
  if (unlock !== null) return unlock;
  throw new SaleStateBusyError(`Another process serves sales from ${path.replace(/\/lock$/, '')}. Stop it first.`);
}

function prepareTables(database: DatabaseSync, path: string): void {
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {});
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get();
  if (version === 0 && tables?.n === 0) {
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA}
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
  }
  const [id] = Object.values(database.prepare('PRAGMA application_id').get() ?? {});
  const [found] = Object.values(database.prepare('PRAGMA user_version').get() ?? {});
  if (id !== APPLICATION_ID || found !== SCHEMA_VERSION) {
    throw new SaleStateError(`${path} is not a sales state of version ${SCHEMA_VERSION}.`);
  }
  const [verdict] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
  if (verdict !== 'ok') {
    throw new SaleStateError(`${path} is damaged: ${verdict}. Keep a copy; to start again, move the folder away.`);
  }
}

/** A new file's name must survive a power cut as well as its bytes. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function requireIdentity(state: SaleState, identity: SaleIdentity): void {
  const { chainId, ocasc, owner, agent } = identity;
  const wanted = `${chainId} ${ocasc} ${owner} ${agent}`;
  const found = state.sql('SELECT name FROM identity').get();
  if (found === undefined) {
    state.commit(() => state.sql('INSERT INTO identity (one, name, scanned) VALUES (1, ?, -1)').run(wanted));
  } else if (found.name !== wanted) {
    throw new SaleStateError(
      `${state.folder} holds sales of another chain, contract, owner or agent: ${found.name}, not ${wanted}.`,
    );
  }
}

function stateOf(folder: string, database: DatabaseSync, unlock: () => void): SaleState {
  return {
    folder,
    ...prepareStatements(database),
    close() {
      database.close();
      unlock();
    },
  };
}
