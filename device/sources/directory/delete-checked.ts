import type { Directories } from '../../../core/ports/directories.ts';
import type { SourceParts } from '../source.ts';
import { identityOf } from './list-files.ts';

/** Removes every file of a directory whose blocks the storage has proven, all of them. */
export async function deleteChecked(
  directories: Pick<Directories, 'stateOf' | 'remove'>,
  directory: string,
  { outbox, report }: Pick<SourceParts, 'outbox' | 'report'>,
): Promise<void> {
  const rows = outbox
    .sql(`SELECT path, identity FROM files WHERE captured_parts = parts AND end_seq > 0 AND end_seq <= coalesce(
        (SELECT min(from_seq) FROM batches WHERE state < 5), (SELECT max(to_seq) FROM batches))`)
    .all() as { path: string; identity: string }[];
  for (const row of rows) {
    const path = `${directory}/${row.path}`;
    try {
      const state = await directories.stateOf(path);
      // Only the very file that was captured: one that was written since then is captured first.
      if (state !== null && identityOf(state) === row.identity) await directories.remove(path);
    } catch {
      report({ event: 'skipped', what: row.path, reason: 'It is checked, but cannot be deleted.' });
    }
  }
}
