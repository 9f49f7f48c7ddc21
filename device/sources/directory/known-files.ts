import type { Outbox } from '../../outbox/open-outbox.ts';
import type { SeenFile } from './seen-file.ts';

/** A file that was captured whole, or in part, as the outbox knows it. */
export interface KnownFile {
  readonly path: string;
  readonly identity: string;
  readonly parts: number;
  readonly capturedParts: number;
  readonly partBytes: number;
  readonly contentHash: Uint8Array;
}

const COLUMNS = 'path, identity, parts, captured_parts, part_bytes, content_hash';

export function knownFile(outbox: Outbox, path: string): KnownFile | null {
  const row = outbox.sql(`SELECT ${COLUMNS} FROM files WHERE path = ? AND content_hash IS NOT NULL`).get(path);
  return row === undefined ? null : fileOf(row);
}

/** Files captured whole that had this inode, size and time of change, under whatever name. */
export function knownByInode(outbox: Outbox, { inode, sizeBytes, changedNs }: SeenFile): KnownFile[] {
  const prefix = `${inode}/${sizeBytes}/${changedNs}`;
  // 0 is the character behind the slash.
  return outbox
    .sql(`SELECT ${COLUMNS} FROM files WHERE identity >= ? AND identity < ? AND content_hash IS NOT NULL
      AND captured_parts = parts`)
    .all(`${prefix}/`, `${prefix}0`)
    .map(fileOf);
}

/** Files captured whole whose every block the storage has proven. */
export function provenFiles(outbox: Outbox): KnownFile[] {
  return outbox
    .sql(`SELECT ${COLUMNS} FROM files WHERE content_hash IS NOT NULL AND gone_ms IS NULL AND captured_parts = parts
      AND end_seq > 0 AND end_seq <= coalesce(
        (SELECT min(from_seq) FROM batches WHERE state < 5), (SELECT max(to_seq) FROM batches))`)
    .all()
    .map(fileOf);
}

/** A known file has another name or identity now, and the same content. */
export function noteIdentity(outbox: Outbox, path: string, file: Pick<SeenFile, 'path' | 'identity'>): void {
  outbox.commit(() => {
    if (path !== file.path) outbox.sql('DELETE FROM files WHERE path = ?').run(file.path);
    outbox
      .sql(`UPDATE files SET path = :to, identity = :identity, gone_ms = NULL,
        captured_as = iif(:to = path, captured_as, coalesce(captured_as, path)) WHERE path = :from`)
      .run({ to: file.path, identity: file.identity, from: path });
  });
}

export function forgetFile(outbox: Outbox, path: string): void {
  outbox.sql('DELETE FROM files WHERE path = ?').run(path);
}

/** Files that are gone are remembered: a disk may come back. So many, and so long. */
const MAX_GONE = 50_000;
const GONE_FOR_MS = 30 * 86_400_000;

/**
 * Notes which of the known files are there, after all was looked at, and forgets those that are gone for a month when
 * there are many of them.
 */
export function noteGone(outbox: Outbox, isPresent: (path: string) => boolean, nowMs: number): void {
  const rows = outbox.sql('SELECT path, gone_ms FROM files WHERE content_hash IS NOT NULL').all() as {
    path: string;
    gone_ms: number | null;
  }[];
  const changed = rows.filter(({ path, gone_ms }) => isPresent(path) !== (gone_ms === null));
  const gone = rows.filter(({ path }) => !isPresent(path));
  const old = gone.length > MAX_GONE ? gone.filter(({ gone_ms }) => (gone_ms ?? nowMs) < nowMs - GONE_FOR_MS) : [];
  if (changed.length === 0 && old.length === 0) return;
  outbox.commit(() => {
    for (const { path, gone_ms } of changed) {
      outbox.sql('UPDATE files SET gone_ms = ? WHERE path = ?').run(gone_ms === null ? nowMs : null, path);
    }
    for (const { path } of old) forgetFile(outbox, path);
  });
}

function fileOf(row: Record<string, unknown>): KnownFile {
  return {
    path: row.path as string,
    identity: row.identity as string,
    parts: row.parts as number,
    capturedParts: row.captured_parts as number,
    partBytes: row.part_bytes as number,
    contentHash: row.content_hash as Uint8Array,
  };
}
