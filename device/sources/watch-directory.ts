import type { Directories } from '../../core/ports/directories.ts';
import { noteStep } from '../outbox/note-step.ts';
import { createWakeup, type Wakeup } from '../steps/wakeup.ts';
import { createDeletion } from './directory/delete-checked.ts';
import { findDirectory, requireCapturable } from './directory/find-directory.ts';
import { createLook, type LookOptions } from './directory/look-at-directory.ts';
import { isOfTheSystem, reasonOfFault } from './directory/reason-of-fault.ts';
import { createFolderWatches, type FolderWatches } from './directory/watch-folders.ts';
import type { Source, SourceParts } from './source.ts';

export interface DirectoryOptions extends LookOptions {
  /** How often the directory is looked at, at the most. */
  readonly scanEveryMs: number;
  /** Remove a file once the storage has proven every block of it, and it holds still what was recorded. */
  readonly deleteAfterChecked: boolean;
  /** Paths that must not be captured, as they hold the device's secrets. */
  readonly keepOut: readonly string[];
}

// Everything is looked at so often where the system tells what changes, as it may leave something out; and where it does
// not, in a twentieth of the time.
const ALL_EVERY_MS = 60_000;
const SHARE_TOLD = 200;
const SHARE_UNTOLD = 20;

/**
 * A watched directory with everything below it. A file is captured when it is complete, unchanged for `settleMs`, or in
 * pieces as it grows where that is wanted. It keeps its path from the directory, with slashes, as its name. What is not
 * captured is said, and what is skipped by name is the user's choice. A directory that is not there is waited for.
 *
 * What was captured is noted in the same commit as its content: of a file by path, inode, size, times and content; of a
 * growing one its position.
 */
export function watchDirectory(directories: Directories, directory: string, options: DirectoryOptions): Source {
  const deletion = createDeletion(directories, directory);
  return {
    description: `dir:${directory}`,
    async run(parts, { once }, signal) {
      const wakeup = createWakeup(parts.runtime);
      const watches = createFolderWatches(directories, directory, wakeup.notify);
      await requireCapturable(directories, directory, options.keepOut);
      try {
        await watch({ directories, directory, options, parts, watches, wakeup, once }, signal);
      } finally {
        watches.stop();
      }
    },
    released(parts) {
      if (options.deleteAfterChecked) void deletion.run(parts);
    },
  };
}

interface Watch {
  readonly directories: Directories;
  readonly directory: string;
  readonly options: DirectoryOptions;
  readonly parts: SourceParts;
  readonly watches: FolderWatches;
  readonly wakeup: Wakeup;
  readonly once: boolean;
}

async function watch(watching: Watch, signal: AbortSignal): Promise<void> {
  const { directories, directory, options, parts, watches, wakeup, once } = watching;
  const { runtime } = parts;
  const look = createLook(directories, directory, options, parts);
  const { scanEveryMs, settleMs } = options;
  const pause = createWakeup(runtime);
  let there: { inode: bigint } | null = null;
  let isMissed = false;
  let allAgainMs = Number.NEGATIVE_INFINITY;

  /** Captures what there is to capture. @returns why it cannot, while the directory is not there */
  const lookOnce = async (): Promise<string | null> => {
    const found = await findDirectory(directories, directory);
    if ('reason' in found) return found.reason;
    if (there === null) await requireCapturable(directories, directory, options.keepOut);
    const isKnown = found.inode === there?.inode;
    if (!isKnown) watches.stop();
    const changed = watches.takeChanged();
    if (!once && isKnown && changed !== null && watches.areComplete() && runtime.monotonicMs() < allAgainMs) {
      await look.atSome(changed, watches.enter, signal);
      return null;
    }
    const beganMs = runtime.monotonicMs();
    try {
      const folders = await look.atAll(watches.enter, signal);
      if (folders === null) return `Directory ${directory} is gone; waiting for it to come back.`;
      watches.keepOnly(folders);
    } catch (cause) {
      if (!isOfTheSystem(cause)) throw cause;
      return reasonOfFault(`Directory ${directory} cannot be read`, cause);
    }
    there = found;
    const tookMs = runtime.monotonicMs() - beganMs;
    allAgainMs = runtime.monotonicMs() + restAfter(tookMs, watches.areComplete());
    return null;
  };

  while (!signal.aborted) {
    const reason = await lookOnce();
    if (reason === null) {
      // It runs on for ever, so it says itself that it works again.
      if (isMissed || there === null) noteStep(parts, 'source', null);
      isMissed = false;
      // The next look must find every file of this one in the outbox.
      await parts.queue.settled();
      if (once && look.countOpen() === 0) return;
    } else {
      if (!isMissed) parts.report({ event: 'retry', step: 'source', reason, inMs: scanEveryMs });
      noteStep(parts, 'source', { reason, failures: 1, kind: 'file' });
      isMissed = true;
      there = null;
    }
    await pause.wait(once ? Math.min(scanEveryMs, settleMs) : scanEveryMs, signal);
    if (once || reason !== null) continue;
    const isTold = watches.areComplete();
    const dueMs = Math.min(
      allAgainMs - runtime.monotonicMs(),
      isTold ? Math.min(look.nextMs(), PRESENCE_MS) : Infinity,
    );
    if (dueMs > 0) await wakeup.wait(dueMs, signal);
  }
}

/** So often it is looked whether the directory is still the same: another disk may be mounted there. */
const PRESENCE_MS = 1000;

function restAfter(tookMs: number, isTold: boolean): number {
  return isTold ? Math.max(ALL_EVERY_MS, SHARE_TOLD * tookMs) : SHARE_UNTOLD * tookMs;
}
