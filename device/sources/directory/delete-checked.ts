import type { Directories } from '../../../core/ports/directories.ts';
import type { SourceParts } from '../source.ts';
import { isContentOf } from './compare-content.ts';
import { forgetFile, type KnownFile, provenFiles } from './known-files.ts';
import { isOfTheSystem, reasonOfFault } from './reason-of-fault.ts';
import { identityOf, type SeenFile, seenFile } from './seen-file.ts';
import { withOpen } from './take-file.ts';

/** Removes files whose every block the storage has proven. */
export interface Deletion {
  /** Of all that are proven now; one run at a time, and one more when asked for meanwhile. */
  run(parts: SourceParts): Promise<void>;
}

export function createDeletion(directories: Directories, directory: string): Deletion {
  let running: Promise<void> | null = null;
  let isWanted = false;
  /** Said, and tried again only when the file has changed or at the next start. */
  const kept = new Map<string, string>();

  const deleteAll = async (parts: SourceParts): Promise<void> => {
    for (const known of provenFiles(parts.outbox)) {
      if (kept.get(known.path) === known.identity) continue;
      try {
        await deleteFile({ directories, directory }, parts, known);
      } catch (cause) {
        if (!isOfTheSystem(cause)) throw cause;
        kept.set(known.path, known.identity);
        const reason = reasonOfFault('It is checked, but cannot be deleted', cause);
        parts.report({ event: 'skipped', what: known.path, reason });
      }
    }
  };

  return {
    async run(parts) {
      isWanted = true;
      running ??= (async () => {
        while (isWanted) {
          isWanted = false;
          await deleteAll(parts);
        }
      })()
        // The outbox is full, busy or closed: the next batch that is checked brings it here again.
        .catch(() => {})
        .finally(() => {
          running = null;
        });
      await running;
    },
  };
}

/** Removes a file that is, byte for byte, what was recorded under its name; any other is captured first. */
async function deleteFile(
  place: { readonly directories: Directories; readonly directory: string },
  { outbox, primitives, runtime }: SourceParts,
  known: KnownFile,
): Promise<void> {
  const { directories, directory } = place;
  const path = `${directory}/${known.path}`;
  const state = await directories.stateOf(path);
  if (state === null) {
    outbox.sql('UPDATE files SET gone_ms = ? WHERE path = ?').run(runtime.nowMs(), known.path);
    return;
  }
  if (identityOf(state) !== known.identity) return;
  const file: SeenFile = seenFile(known.path, state);
  const never = new AbortController().signal;
  const isRecorded = await withOpen(place, file, (opened) =>
    isContentOf(primitives, known, opened, file.sizeBytes, never),
  );
  const now = await directories.stateOf(path);
  if (now === null || identityOf(now) !== known.identity) return;
  if (isRecorded === true) {
    await directories.remove(path);
    forgetFile(outbox, known.path);
  } else {
    // The same size, times and inode, and yet another content: the next look captures it.
    outbox.sql("UPDATE files SET identity = '' WHERE path = ?").run(known.path);
  }
}
