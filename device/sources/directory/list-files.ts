import { StateError } from '../../../core/errors.ts';
import type { Directories, FileState } from '../../../core/ports/directories.ts';

/** A file as it was seen: unchanged while all of these are. */
export interface SeenFile {
  /** From the directory on, with slashes. */
  readonly path: string;
  readonly identity: string;
  readonly sizeBytes: number;
  readonly changedNs: bigint;
}

/**
 * Files below a directory, oldest first.
 * @param skip told what is left alone and should not be
 * @throws StateError when the directory itself is gone
 */
export async function listFiles(
  directories: Pick<Directories, 'list' | 'stateOf'>,
  root: string,
  skip: (what: string, reason: string) => void,
): Promise<SeenFile[]> {
  const found: SeenFile[] = [];
  const visit = async (below: string): Promise<void> => {
    const entries = await directories.list(below === '' ? root : `${root}/${below}`);
    if (entries === null && below === '') throw new StateError(`The directory ${root} is gone. Put it back.`);
    for (const { name, isUtf8, kind } of entries ?? []) {
      const path = below === '' ? name : `${below}/${name}`;
      if (isTemporary(name)) continue;
      if (!isUtf8) {
        skip(path, 'Its name is not UTF-8.');
      } else if (kind === 'directory') {
        await visit(path);
      } else if (kind === 'file') {
        const state = await directories.stateOf(`${root}/${path}`);
        if (state === null) continue;
        found.push({ path, identity: identityOf(state), sizeBytes: state.sizeBytes, changedNs: state.changedNs });
      }
    }
  };
  await visit('');
  return found.sort(byAge);
}

/** What the outbox knows a file's content by. */
export function identityOf({ inode, sizeBytes, changedNs }: FileState): string {
  return `${inode}/${sizeBytes}/${changedNs}`;
}

function byAge(a: SeenFile, b: SeenFile): number {
  if (a.changedNs !== b.changedNs) return a.changedNs < b.changedNs ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}

function isTemporary(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || /\.(tmp|temp|part|partial|crdownload|swp|lock)$/i.test(name);
}
