import type { Directories, Watching } from '../../../core/ports/directories.ts';

/** What the system tells of a directory and the folders below it. */
export interface FolderWatches {
  /** Has the system tell of a folder from here on, before it is listed. Again where another folder has its place. */
  enter(folder: string): Promise<void>;
  /** Stops those of folders that are gone. */
  keepOnly(folders: ReadonlySet<string>): void;
  /** Whether of every folder that was entered all is told. */
  areComplete(): boolean;
  /** Folders that were entered, and those of them of which nothing is told. */
  counts(): { readonly folders: number; readonly untold: number };
  /** Paths that something was told of since the last call; null when it may be anything. */
  takeChanged(): ReadonlySet<string> | null;
  stop(): void;
}

// Beyond that, looking at everything once is cheaper than at each.
const MAX_CHANGED = 20_000;

/** @param onChange told that something has changed */
export function createFolderWatches(
  directories: Pick<Directories, 'watch' | 'stateOf'>,
  directory: string,
  onChange: () => void,
): FolderWatches {
  const watches = new Map<string, { readonly inode: bigint; readonly watching: Watching | null }>();
  let changed = new Set<string>();
  let isTooMuch = false;

  const note = (path: string): void => {
    if (changed.size < MAX_CHANGED) changed.add(path);
    else isTooMuch = true;
    onChange();
  };

  const stopOne = (folder: string): void => {
    watches.get(folder)?.watching?.stop();
    watches.delete(folder);
  };

  return {
    async enter(folder) {
      const path = folder === '' ? directory : `${directory}/${folder}`;
      const inode = (await directories.stateOf(path).catch(() => null))?.inode;
      if (inode === undefined || watches.get(folder)?.inode === inode) return;
      stopOne(folder);
      const prefix = folder === '' ? '' : `${folder}/`;
      // Of the directory itself nothing is told by name: an empty path stands for all.
      const watching = await directories.watch(path, (name) => note(name === null ? folder : `${prefix}${name}`));
      watches.set(folder, { inode, watching });
    },
    keepOnly(folders) {
      for (const folder of watches.keys()) if (!folders.has(folder)) stopOne(folder);
    },
    areComplete() {
      for (const { watching } of watches.values()) if (watching === null) return false;
      return watches.size > 0;
    },
    counts() {
      const untold = [...watches.values()].filter(({ watching }) => watching === null).length;
      return { folders: watches.size, untold };
    },
    takeChanged() {
      const taken = isTooMuch || changed.has('') ? null : changed;
      changed = new Set();
      isTooMuch = false;
      return taken;
    },
    stop() {
      for (const folder of [...watches.keys()]) stopOne(folder);
    },
  };
}
