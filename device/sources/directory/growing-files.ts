import type { Outbox } from '../../outbox/open-outbox.ts';

/** How far a growing file is captured. One that begins anew, by truncation or rotation, is another one. */
export interface GrowingFile {
  readonly id: number;
  /** Where it is; null when another file has its former path and it was not found elsewhere. */
  readonly path: string | null;
  /** What its blocks are named: the path that it was first seen at. */
  readonly name: string;
  readonly inode: string;
  /** Its identity when it was last looked at to its end. */
  readonly seen: string;
  /** Bytes that are captured. */
  readonly position: number;
  /** SHA-256 of its first `headBytes`, and of the last `tailBytes` before `position`. */
  readonly headBytes: number;
  readonly head: Uint8Array;
  readonly tailBytes: number;
  readonly tail: Uint8Array;
}

export function growingAt(outbox: Outbox, path: string): GrowingFile | null {
  const row = outbox.sql('SELECT * FROM growing WHERE path = ?').get(path);
  return row === undefined ? null : fileOf(row);
}

/** Those that had this inode when they were last looked at, the newest first. */
export function growingByInode(outbox: Outbox, inode: string): GrowingFile[] {
  return outbox.sql('SELECT * FROM growing WHERE inode = ? ORDER BY id DESC').all(inode).map(fileOf);
}

/**
 * Those that a file may be a copy of, by its name, the newest first: rotation puts something behind a name, or between it and
 * its ending, in the same folder or in one below.
 */
export function growingNamedLike(outbox: Outbox, path: string): GrowingFile[] {
  const [, folder = '', base = ''] = /^(.*\/)?([^/]*)$/s.exec(path) ?? [];
  const folders = [...new Set([folder, folder.replace(/[^/]*\/$/, '')])];
  const stems = folders.flatMap((one) => Array.from(base, (_, at) => `${one}${base.slice(0, at + 1)}`));
  return stems
    .flatMap((stem) => outbox.sql('SELECT * FROM growing WHERE stem = ? AND position > 0').all(stem).map(fileOf))
    .filter((one) => one.path !== path && one.name !== path)
    .sort((a, b) => b.id - a.id);
}

/** A path without the ending of its name. */
function stemOf(name: string): string {
  return name.replace(/(?<=[^/])\.[^./]*$/, '');
}

/** Numbers for new ones, also before those given earlier are in the outbox. */
export function createGrowingIds(outbox: Outbox): () => number {
  let { id } = outbox.sql('SELECT coalesce(max(id), 0) AS id FROM growing').get() as { id: number };
  return () => ++id;
}

/** Writes how far a file is. The caller commits. */
export function putGrowing(outbox: Outbox, file: GrowingFile, nowMs: number): void {
  outbox.sql('UPDATE growing SET path = NULL WHERE path = ? AND id <> ?').run(file.path, file.id);
  outbox
    .sql(`INSERT OR REPLACE INTO growing
      (id, path, name, stem, inode, seen, position, head_bytes, head, tail_bytes, tail, at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    .run(
      ...[file.id, file.path, file.name, stemOf(file.name), file.inode, file.seen, file.position],
      ...[file.headBytes, file.head, file.tailBytes, file.tail, nowMs],
    );
}

// Rotations of years; a row has some 250 bytes.
const MAX_REMEMBERED = 10_000;

/** Forgets the oldest of those that are gone, when there are many. */
export function forgetGrowing(outbox: Outbox, isPresent: (path: string) => boolean): void {
  const rows = outbox.sql('SELECT id, path FROM growing ORDER BY at_ms DESC').all() as {
    id: number;
    path: string | null;
  }[];
  const gone = rows.filter(({ path }) => path === null || !isPresent(path)).slice(MAX_REMEMBERED);
  if (gone.length === 0) return;
  outbox.commit(() => {
    for (const { id } of gone) outbox.sql('DELETE FROM growing WHERE id = ?').run(id);
  });
}

function fileOf(row: Record<string, unknown>): GrowingFile {
  return {
    id: row.id as number,
    path: row.path as string | null,
    name: row.name as string,
    inode: row.inode as string,
    seen: row.seen as string,
    position: row.position as number,
    headBytes: row.head_bytes as number,
    head: row.head as Uint8Array,
    tailBytes: row.tail_bytes as number,
    tail: row.tail as Uint8Array,
  };
}
