import type { Directories, DirectoryEntry, EntryKind } from '../../../core/ports/directories.ts';
import { type NameRules, patternThatSkips } from './choose-by-name.ts';
import { reasonOfFault } from './reason-of-fault.ts';
import { byAge, type SeenFile, seenFile } from './seen-file.ts';

export interface Walk {
  /** Oldest first. */
  readonly files: readonly SeenFile[];
  /** What is not captured, and why; a folder stands for all below it. */
  readonly leftOut: readonly { readonly path: string; readonly reason: string }[];
  /** Folders that were listed, from the directory on; '' is the one that the walk began at when that is the directory. */
  readonly folders: ReadonlySet<string>;
  /** Whether anything stands there at all. */
  readonly isEmpty: boolean;
}

// Enough to keep the disk busy, few enough for any limit of open requests.
const AT_ONCE = 64;

/**
 * Everything at a path and below. One thing that cannot be read leaves out that thing alone.
 * @param below from the directory on; '' for the whole
 * @param enter told of each folder before it is listed
 * @returns null when nothing stands there
 * @throws what the system says when the folder itself cannot be listed
 */
export async function walkTree(
  directories: Pick<Directories, 'list' | 'stateOf'>,
  directory: string,
  below: string,
  rules: NameRules,
  enter: (folder: string) => Promise<void> = async () => {},
): Promise<Walk | null> {
  const files: SeenFile[] = [];
  const leftOut: { path: string; reason: string }[] = [];
  const folders = new Set<string>();

  const lookAt = async (path: string): Promise<void> => {
    try {
      const state = await directories.stateOf(`${directory}/${path}`);
      if (state?.kind === 'file') files.push(seenFile(path, state));
    } catch (cause) {
      leftOut.push({ path, reason: reasonOfFault('It cannot be inspected', cause) });
    }
  };

  const visit = async (folder: string): Promise<number> => {
    await enter(folder);
    const entries = await directories.list(folder === '' ? directory : `${directory}/${folder}`);
    if (entries === null) return -1;
    folders.add(folder);
    const plain: string[] = [];
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const reason = reasonToLeave(entry, path, rules);
      if (reason !== null) leftOut.push({ path, reason });
      else if (entry.kind === 'file') plain.push(path);
      else await visitBelow(path);
    }
    for (let at = 0; at < plain.length; at += AT_ONCE) await Promise.all(plain.slice(at, at + AT_ONCE).map(lookAt));
    return entries.length;
  };

  const visitBelow = async (folder: string): Promise<void> => {
    try {
      await visit(folder);
    } catch (cause) {
      leftOut.push({ path: folder, reason: reasonOfFault('This folder cannot be read', cause) });
    }
  };

  const count = await visit(below);
  if (count < 0) return null;
  return { files: files.sort(byAge), leftOut, folders, isEmpty: count === 0 };
}

/** Why what has this name and kind is not captured; null when it is, or is a folder to look into. */
export function reasonToLeave(
  { kind, isUtf8 }: Pick<DirectoryEntry, 'kind' | 'isUtf8'>,
  path: string,
  rules: NameRules,
): string | null {
  const pattern = patternThatSkips(rules, path, kind === 'directory');
  if (pattern !== null) return `Its name matches ${pattern}, which the device skips.`;
  if (!isUtf8) return 'Its name is not UTF-8.';
  return NOT_CAPTURED[kind] ?? null;
}

const NOT_CAPTURED: Readonly<Partial<Record<EntryKind, string>>> = {
  link: 'It is a link, and the device does not follow links.',
  special: 'It is a pipe, a socket or a device, not a file.',
};
