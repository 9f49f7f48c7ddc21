/**
 * Directories and the files in them, as a device watches them. Paths are absolute, with slashes. Methods throw what the
 * system says where nothing else is said.
 */
export interface Directories {
  /** What stands at a path, links followed; null when nothing does. */
  kindOf(path: string): Promise<'directory' | 'other' | null>;
  /** The path with every link in it followed. */
  resolve(path: string): Promise<string>;
  /** What stands in a directory, in no order; null when it is gone. */
  list(path: string): Promise<readonly DirectoryEntry[] | null>;
  /** What stands at a path now, a link itself when it is one; null when nothing does. */
  stateOf(path: string): Promise<FileState | null>;
  /** Opens a file for reading. Never waits, whatever stands there; a link is refused. */
  open(path: string): Promise<OpenFile>;
  /** Removes a file, unless it is gone already. */
  remove(path: string): Promise<void>;
  /**
   * Has the system tell what changes in a directory, not in those below it. Null where it cannot: then it must be listed
   * again and again. Even a system that tells may leave something out, as when too much happens at once.
   * @param onChange told the name of what was written, made, moved or removed; null when that is not known
   */
  watch(path: string, onChange: (name: string | null) => void): Promise<Watching | null>;
}

export interface Watching {
  stop(): void;
}

/** `special`: pipes, sockets and devices. */
export type EntryKind = 'file' | 'directory' | 'link' | 'special';

export interface DirectoryEntry {
  /** The name; with replacement characters where it is not UTF-8, so that no path leads there. */
  readonly name: string;
  readonly isUtf8: boolean;
  readonly kind: EntryKind;
}

/** All of these stay as they are while nobody writes to a file or puts another in its place. */
export interface FileState {
  readonly kind: EntryKind;
  readonly inode: bigint;
  readonly sizeBytes: number;
  /** Of its last change, ns since 1970. A program can set it back. */
  readonly changedNs: bigint;
  /** Of the last change of the file or of what is said of it (ctime), ns since 1970: no program can set it. */
  readonly statusChangedNs: bigint;
}

export interface OpenFile {
  /** Bytes from `at` on, `length` of them, fewer when the file ends before. */
  read(at: number, length: number): Promise<Uint8Array>;
  state(): Promise<FileState>;
  close(): Promise<void>;
}
