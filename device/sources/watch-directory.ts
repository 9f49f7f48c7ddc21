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

// Everything is looked at so often where the system tells what changes, as it may leave something out; where it does not,
// more often, in some twentieth of the time.
const ALL_EVERY_MS = 60_000;
const MOST_ALL_EVERY_MS = 600_000;
const SHARE_TOLD = 500;
const SHARE_UNTOLD = 30;

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
  let works: boolean | null = null;
  let allAgainMs = Number.NEGATIVE_INFINITY;
  let lastUntold = 0;

  /** Once each time that it changes: what comes is captured later, and costs more, where the system does not tell of it. */
  const sayWhatIsUntold = (): void => {
    const { folders, untold } = watches.counts();
    if (untold === lastUntold) return;
    lastUntold = untold;
    if (untold === 0) {
      noteStep(parts, 'scan', null);
      return;
    }
    const everyMs = Math.max(scanEveryMs, allAgainMs - runtime.monotonicMs());
    parts.report({ event: 'scanning', directory, folders, untold, everyMs: Math.round(everyMs) });
    noteStep(parts, 'scan', { reason: scanningText({ directory, folders, untold }), failures: 1, kind: 'file' });
  };

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
    let tookMs: number;
    try {
      const whole = await look.atAll(watches.enter, signal);
      if (whole === null) return `Directory ${directory} disappeared; waiting for it to return.`;
      watches.keepOnly(whole.folders);
      tookMs = whole.tookMs;
    } catch (cause) {
      if (!isOfTheSystem(cause)) throw cause;
      return reasonOfFault(`Directory ${directory} cannot be read`, cause);
    }
    there = found;
    allAgainMs = runtime.monotonicMs() + restAfter(tookMs, watches.areComplete());
    if (!once) sayWhatIsUntold();
    return null;
  };

  while (!signal.aborted) {
    const reason = await lookOnce();
    if (reason === null) {
      // It runs on for ever, so it says itself that it works again.
      if (works !== true) noteStep(parts, 'source', null);
      works = true;
      // The next look must find every file of this one in the outbox.
      await parts.queue.settled();
      if (once && look.countOpen() === 0) return;
    } else {
      if (works !== false) parts.report({ event: 'retry', step: 'source', reason, inMs: scanEveryMs });
      noteStep(parts, 'source', { reason, failures: 1, kind: 'file' });
      works = false;
      there = null;
    }
    await pause.wait(once ? Math.min(scanEveryMs, settleMs) : scanEveryMs, signal);
    if (once || reason !== null) continue;
    const allMs = allAgainMs - runtime.monotonicMs();
    if (watches.areComplete()) await wait(wakeup, Math.min(allMs, look.nextMs(), PRESENCE_MS), signal);
    // Of some changes it would be told, and would look at everything for each.
    else await wait(pause, allMs, signal);
  }
}

/** For people: what the system does not tell, why that may be, and what to do. */
export function scanningText({
  directory,
  folders,
  untold,
}: {
  readonly directory: string;
  readonly folders: number;
  readonly untold: number;
}): string {
  return `The system does not tell what changes in ${untold} of the ${folders} folders of ${directory}, so the device scans all of it repeatedly, and captures new data up to a minute late. On a network share or FUSE this is unavoidable; otherwise raise fs.inotify.max_user_watches and fs.inotify.max_user_instances.`;
}

async function wait(wakeup: Wakeup, ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await wakeup.wait(ms, signal);
}

/** So often it is looked whether the directory is still the same: another disk may be mounted there. */
const PRESENCE_MS = 1000;

function restAfter(tookMs: number, isTold: boolean): number {
  if (!isTold) return Math.min(ALL_EVERY_MS, SHARE_UNTOLD * tookMs);
  return Math.min(MOST_ALL_EVERY_MS, Math.max(ALL_EVERY_MS, SHARE_TOLD * tookMs));
}
