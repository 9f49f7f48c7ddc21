import type { Directories } from '../../core/ports/directories.ts';
import { noteStep } from '../outbox/note-step.ts';
import { createWakeup } from '../steps/wakeup.ts';
import { deleteChecked } from './directory/delete-checked.ts';
import { requireDirectory } from './directory/require-directory.ts';
import { createScan, type ScanOptions } from './directory/scan-directory.ts';
import type { Source } from './source.ts';

export interface DirectoryOptions extends ScanOptions {
  /** How often the directory is looked at. */
  readonly scanEveryMs: number;
  /** Remove a file once the storage has proven every block of it. */
  readonly deleteAfterChecked: boolean;
  /** Paths that must not be captured, as they hold the device's secrets. */
  readonly keepOut: readonly string[];
}

/**
 * A watched directory with everything below it. A file is captured when it is complete: unchanged for `settleMs`. It keeps
 * its path from the directory, with slashes, as its name. Names that begin with a dot or look temporary are left alone,
 * links are not followed. A file that changes later is captured again, whole.
 *
 * That a file was captured is noted in the same commit as its content, by path, inode, size and time of change.
 */
export function watchDirectory(directories: Directories, directory: string, options: DirectoryOptions): Source {
  return {
    description: `dir:${directory}`,
    async run(parts, { once }, signal) {
      await requireDirectory(directories, directory, options.keepOut);
      const scan = createScan(directories, directory, options, parts);
      const wakeup = createWakeup(parts.runtime);
      let works = false;
      while (!signal.aborted) {
        const open = await scan(signal);
        // It runs on for ever, so it says itself that it works again.
        if (!works) noteStep(parts, 'source', null);
        works = true;
        // The next look must find every file of this one in the outbox.
        await parts.queue.settled();
        if (once && open === 0) return;
        await wakeup.wait(once ? Math.min(options.scanEveryMs, options.settleMs) : options.scanEveryMs, signal);
      }
    },
    released(parts) {
      if (options.deleteAfterChecked) void deleteChecked(directories, directory, parts);
    },
  };
}
