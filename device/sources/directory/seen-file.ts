import type { FileState } from '../../../core/ports/directories.ts';

/** A file as it was seen: unchanged while its identity is. */
export interface SeenFile {
  /** From the directory on, with slashes. */
  readonly path: string;
  readonly identity: string;
  readonly sizeBytes: number;
  readonly changedNs: bigint;
  readonly inode: bigint;
}

export function seenFile(path: string, state: FileState): SeenFile {
  const { sizeBytes, changedNs, inode } = state;
  return { path, identity: identityOf(state), sizeBytes, changedNs, inode };
}

/** What the outbox knows a file's content by. The last of them is the one that no program can set. */
export function identityOf({ inode, sizeBytes, changedNs, statusChangedNs }: FileState): string {
  return `${inode}/${sizeBytes}/${changedNs}/${statusChangedNs}`;
}

/** Whether two identities say the same size and time of change: what else differs is not content, unless a program forged it. */
export function haveSameTimes(identity: string, other: string): boolean {
  const [, size, changed] = identity.split('/');
  const [, otherSize, otherChanged] = other.split('/');
  return size !== undefined && size === otherSize && changed === otherChanged;
}

/** Oldest first, as they were written. */
export function byAge(a: SeenFile, b: SeenFile): number {
  if (a.changedNs !== b.changedNs) return a.changedNs < b.changedNs ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}
