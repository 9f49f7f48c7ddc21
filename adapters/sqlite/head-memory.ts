import { closeSync, constants, fstatSync, openSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { equalBytes, utf8 } from '../../core/bytes.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { HeadMemory, SeenHeads } from '../../core/ports/head-memory.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import {
  decodeSeenAnchorer,
  decodeSeenHeads,
  encodeSeenAnchorer,
  encodeSeenHeads,
} from '../../core/wire/seen-heads.ts';
import { requirePrivate } from '../keys/require-private.ts';

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** Another command writes for a moment only. */
const PATIENCE_MS = 5_000;

export interface OpenedHeadMemory extends HeadMemory {
  close(): void;
}

/**
 * The heads that a verifier has seen, in one SQLite file of mode 0600: every change is durable when it returns, and one
 * process writes at a time. Each row carries its own hash, so a damaged one is never taken for a head. A file that is no
 * such database is set aside, and said in `problems`; so is one that cannot be written.
 * @throws FileError when others could read or write the file
 */
export function openHeadMemory(
  hasher: Pick<Primitives, 'sha256'>,
  path: string,
  patienceMs = PATIENCE_MS,
): OpenedHeadMemory {
  const problems: string[] = [];
  let db = openOrSetAside(path, patienceMs, problems);

  /** What fails is said once, and then there is no memory: a verdict needs none. */
  const orProblem = <T>(what: string, otherwise: T, act: (open: DatabaseSync) => T): T => {
    if (db === null) return otherwise;
    try {
      return act(db);
    } catch (cause) {
      const code = (cause as { errcode?: number }).errcode;
      if (code === undefined) throw cause;
      problems.push(
        `${path} cannot be ${what} (SQLite ${code}: ${(cause as Error).message}). If this persists, move the file away; the heads that it remembers are then lost.`,
      );
      db.close();
      db = null;
      return otherwise;
    }
  };

  const readRow = <T>(open: DatabaseSync, key: string, decode: (text: string) => T): T | null => {
    const row = open.prepare('SELECT value, hash FROM seen WHERE key = ?').get(key);
    if (row === undefined) return null;
    const decoded = decodeRow(hasher, key, row, decode);
    const problem = `The entry of ${key} in ${path} is damaged, so it is ignored.`;
    if (decoded === null && !problems.includes(problem)) problems.push(problem);
    return decoded;
  };
  const read = <T>(key: string, decode: (text: string) => T): T | null =>
    orProblem('read', null, (open) => readRow(open, key, decode));
  const write = (open: DatabaseSync, key: string, value: string): void => {
    const hash = rowHash(hasher, key, value);
    open.prepare('INSERT OR REPLACE INTO seen (key, value, hash) VALUES (?, ?, ?)').run(key, value, hash);
  };
  const inTurn = (act: (open: DatabaseSync) => void): void =>
    orProblem('written', undefined, (open) => {
      open.exec('BEGIN IMMEDIATE');
      try {
        act(open);
        open.exec('COMMIT');
      } catch (cause) {
        if (open.isTransaction) open.exec('ROLLBACK');
        throw cause;
      }
    });

  return {
    problems,
    readHeads: (dataset) => read(dataset, (text) => decodeSeenHeads(dataset, text)),
    keepHeads(entries) {
      if (entries.length === 0) return;
      inTurn((open) => {
        for (const [dataset, seen] of entries) {
          const before = readRow(open, dataset, (text) => decodeSeenHeads(dataset, text));
          const text = encodeSeenHeads(laterOf(before, seen));
          if (before === null || encodeSeenHeads(before) !== text) write(open, dataset, text);
        }
      });
    },
    readAnchorer: (anchorer) => read(anchorer, decodeSeenAnchorer),
    keepAnchorer(anchorer, seen) {
      inTurn((open) => {
        const before = readRow(open, anchorer, decodeSeenAnchorer);
        if (before === null || before.number < seen.number) write(open, anchorer, encodeSeenAnchorer(seen));
      });
    },
    forget(dataset) {
      inTurn((open) => {
        const { round } = readRow(open, dataset, (text) => decodeSeenHeads(dataset, text)) ?? { round: null };
        const remove = open.prepare('DELETE FROM seen WHERE key = ?');
        remove.run(dataset);
        if (round !== null) remove.run(round.anchorer);
      });
    },
    close() {
      db?.close();
      db = null;
    },
  };
}

/** Of two runs at once the later head stays, whichever ends last. */
function laterOf(before: SeenHeads | null, seen: SeenHeads): SeenHeads {
  const { round, recorded } = before ?? { round: null, recorded: null };
  const isSuperseded =
    round !== null && seen.round?.anchorer === round.anchorer && seen.round.shown.number < round.shown.number;
  return {
    round: isSuperseded || seen.round === null ? round : seen.round,
    recorded: recorded !== null && recorded.size > (seen.recorded?.size ?? 0) ? recorded : seen.recorded,
  };
}

function openOrSetAside(path: string, patienceMs: number, problems: string[]): DatabaseSync | null {
  try {
    requireOwn(path);
    return openDatabase(path, patienceMs);
  } catch (cause) {
    if (cause instanceof PlumblineError) throw cause;
    const { errcode, code } = cause as { errcode?: number; code?: string };
    const isDamaged = errcode === SQLITE_CORRUPT || errcode === SQLITE_NOTADB;
    if (!isDamaged) {
      problems.push(`${path} cannot be opened (${errcode === undefined ? code : `SQLite ${errcode}`}).`);
      return null;
    }
  }
  const aside = `${path}.damaged`;
  renameSync(path, aside);
  problems.push(`${path} was damaged and has been set aside as ${aside}. Heads seen earlier are forgotten.`);
  requireOwn(path);
  return openDatabase(path, patienceMs);
}

/** Made with the right mode before SQLite makes it with another. */
function requireOwn(path: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
  try {
    requirePrivate(path, fstatSync(file));
  } finally {
    closeSync(file);
  }
}

function openDatabase(path: string, patienceMs: number): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: patienceMs });
  try {
    db.exec('PRAGMA synchronous = FULL');
    db.exec('CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, value TEXT NOT NULL, hash BLOB NOT NULL)');
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
}

function decodeRow<T>(
  hasher: Pick<Primitives, 'sha256'>,
  key: string,
  { value, hash }: Record<string, unknown>,
  decode: (text: string) => T,
): T | null {
  if (typeof value !== 'string' || !(hash instanceof Uint8Array)) return null;
  if (!equalBytes(hash, rowHash(hasher, key, value))) return null;
  try {
    return decode(value);
  } catch {
    // Of another version of this program: as if it had never been seen.
    return null;
  }
}

function rowHash({ sha256 }: Pick<Primitives, 'sha256'>, key: string, value: string): Uint8Array {
  return sha256(utf8(`${key}\n${value}`));
}
