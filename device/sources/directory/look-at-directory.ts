import type { Directories } from '../../../core/ports/directories.ts';
import type { SourceParts } from '../source.ts';
import { createAwaited } from './await-rest.ts';
import { isFollowed, type NameRules, NO_NAME_RULES } from './choose-by-name.ts';
import { followFile } from './follow-file.ts';
import { createGrowingIds, forgetGrowing, growingAt, growingByInode } from './growing-files.ts';
import { createAccount } from './keep-account.ts';
import { noteGone } from './known-files.ts';
import { isOfTheSystem, reasonOfFault } from './reason-of-fault.ts';
import { byAge, type SeenFile, seenFile } from './seen-file.ts';
import { type LookParts, takeFile } from './take-file.ts';
import { reasonToLeave, type Walk, walkTree } from './walk-tree.ts';

export interface LookOptions {
  /** Content bytes of one block; larger files become several. */
  readonly blockBytes: number;
  /** How long a file must stay as it is before it counts as complete. */
  readonly settleMs: number;
  readonly names?: NameRules;
}

export interface WholeLook {
  /** Those that were found, from the directory on. */
  readonly folders: ReadonlySet<string>;
  /** How long finding everything took; what was captured then is not counted. */
  readonly tookMs: number;
}

/** Looks at a directory again and again, and captures what is complete. */
export interface DirectoryLook {
  /** At everything. @returns null when the directory is not there */
  atAll(enter: (folder: string) => Promise<void>, signal: AbortSignal): Promise<WholeLook | null>;
  /** At what has changed, and at those files whose time has come. */
  atSome(paths: Iterable<string>, enter: (folder: string) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Files that are still to be captured, as the last look found. */
  countOpen(): number;
  /** In how many ms one of them is worth a look. */
  nextMs(): number;
}

// All that is known is read for it.
const GONE_EVERY_MS = 60_000;
// Who captures everything present and ends tries a file so often that cannot be read.
const TRIES = 3;

export function createLook(
  directories: Directories,
  directory: string,
  options: LookOptions,
  parts: SourceParts,
): DirectoryLook {
  const { names = NO_NAME_RULES, settleMs, blockBytes } = options;
  const awaited = createAwaited(parts.runtime, settleMs);
  const account = createAccount(parts);
  const nextGrowingId = createGrowingIds(parts.outbox);
  const look: LookParts = { ...parts, directories, directory, awaited, account, blockBytes, nextGrowingId };
  const open = new Set<string>();

  /** One file. What it fails with concerns it alone. */
  const lookAtFile = async (file: SeenFile, signal: AbortSignal): Promise<void> => {
    if (!awaited.mayTry(file)) {
      // Said before; the account of a whole look must not lose it.
      account.repeat(file.path);
      return;
    }
    try {
      const take = isFollowed(names, file.path)
        ? followFile(look, file, signal)
        : takeFile(look, file, settleMs, signal);
      if ((await take) === 'done') {
        open.delete(file.path);
        return;
      }
      open.add(file.path);
      // Whatever it waits for, it is looked at again.
      if (!awaited.has(file.path)) awaited.hasRested(file);
    } catch (cause) {
      if (signal.aborted || !isOfTheSystem(cause)) throw cause;
      if (isGone(cause)) return;
      const tries = awaited.fail(file);
      account.leaveOut(file.path, reasonOfFault('It cannot be read', cause));
      if (tries < TRIES) open.add(file.path);
      else open.delete(file.path);
    }
  };

  /** Whether what is known of a file was seen under another name: rotated, it goes before the one that has its name now. */
  const isMoved = ({ path, inode }: SeenFile): boolean =>
    growingByInode(parts.outbox, String(inode)).some((one) => one.path !== null && one.path !== path);

  const lookAtFiles = async (files: readonly SeenFile[], signal: AbortSignal): Promise<void> => {
    const moved = new Set(names.follow.length === 0 ? [] : files.filter(isMoved));
    for (const file of [...moved, ...files.filter((one) => !moved.has(one))]) {
      if (signal.aborted) return;
      await lookAtFile(file, signal);
    }
  };

  /** Those that were awaited and are not there any more, under any name. */
  const missGone = (isPresent: (path: string) => boolean, files: readonly SeenFile[]): void => {
    const inodes = new Set(files.map(({ inode }) => inode));
    for (const { path, inode, sizeBytes } of awaited.all()) {
      if (isPresent(path)) continue;
      awaited.end(path);
      open.delete(path);
      account.settle(path);
      // Nothing was in an empty one.
      if (inodes.has(inode) || sizeBytes === 0) continue;
      const position = growingAt(parts.outbox, path)?.position ?? 0;
      const isWhole = isFollowed(names, path) && position >= sizeBytes;
      if (!isWhole) account.miss(path, position > 0 ? CUT_OFF : MISSED);
    }
  };

  let notedMs = Number.NEGATIVE_INFINITY;
  const noteWhatIsGone = async (isPresent: (path: string) => boolean): Promise<void> => {
    const nowMs = parts.runtime.monotonicMs();
    if (nowMs - notedMs < GONE_EVERY_MS) return;
    notedMs = nowMs;
    await parts.queue.settled();
    noteGone(parts.outbox, isPresent, parts.runtime.nowMs());
    forgetGrowing(parts.outbox, isPresent);
  };

  const leaveOut = (walk: Pick<Walk, 'leftOut'>): void => {
    for (const { path, reason } of walk.leftOut) account.leaveOut(path, reason);
  };

  return {
    countOpen: () => open.size,
    nextMs: awaited.nextMs,

    async atAll(enter, signal) {
      const beganMs = parts.runtime.monotonicMs();
      const walk = await walkTree(directories, directory, '', names, enter);
      if (walk === null) return null;
      const whole = { folders: walk.folders, tookMs: parts.runtime.monotonicMs() - beganMs };
      open.clear();
      account.beginRound();
      leaveOut(walk);
      await lookAtFiles(walk.files, signal);
      if (signal.aborted) return whole;
      const present = new Set(walk.files.map(({ path }) => path));
      const unread = walk.leftOut.map(({ path }) => path);
      // What cannot be looked at may be there; and a disk that is not mounted leaves an empty directory behind.
      const isPresent = (path: string): boolean =>
        present.has(path) || unread.some((one) => path === one || path.startsWith(`${one}/`));
      if (!walk.isEmpty) {
        missGone(isPresent, walk.files);
        await noteWhatIsGone(isPresent);
      }
      account.endRound();
      account.write();
      return whole;
    },

    async atSome(paths, enter, signal) {
      const files = new Map<string, SeenFile>();
      const gone = new Set<string>();
      for (const path of new Set([...paths, ...awaited.due()])) {
        try {
          const state = await directories.stateOf(`${directory}/${path}`);
          if (state === null) {
            gone.add(path);
            account.settle(path);
            continue;
          }
          const reason = reasonToLeave({ kind: state.kind, isUtf8: true }, path, names);
          if (reason !== null) account.leaveOut(path, reason);
          else if (state.kind === 'file') files.set(path, seenFile(path, state));
          else {
            const walk = await walkTree(directories, directory, path, names, enter);
            account.settle(path);
            for (const file of walk?.files ?? []) files.set(file.path, file);
            leaveOut({ leftOut: walk?.leftOut ?? [] });
          }
        } catch (cause) {
          account.leaveOut(path, reasonOfFault('It cannot be inspected', cause));
        }
      }
      const sorted = [...files.values()].sort(byAge);
      await lookAtFiles(sorted, signal);
      missGone((path) => !isBelow(gone, path), sorted);
      account.write();
    },
  };
}

const MISSED = 'It disappeared before the device captured it.';
const CUT_OFF = 'It disappeared before the device captured its end.';

/** Whether a path, or a folder above it, is among these. */
function isBelow(paths: ReadonlySet<string>, path: string): boolean {
  if (paths.size === 0) return false;
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
    if (paths.has(path.slice(0, end))) return true;
  return false;
}

function isGone(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '');
}
