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
  /** A file as it is now, a link itself when it is one; null when it is gone. */
  stateOf(path: string): Promise<FileState | null>;
  open(path: string): Promise<OpenFile>;
  /** Removes a file, unless it is gone already. */
  remove(path: string): Promise<void>;
}

export interface DirectoryEntry {
  /** The name; with replacement characters where it is not UTF-8, so that no path leads there. */
  readonly name: string;
  readonly isUtf8: boolean;
  /** `other`: links above all, which are not followed. */
  readonly kind: 'file' | 'directory' | 'other';
}

/** All of these stay as they are while nobody writes to a file or puts another in its place. */
export interface FileState {
  readonly inode: bigint;
  readonly sizeBytes: number;
  /** Of its last change, ns since 1970. */
  readonly changedNs: bigint;
}

export interface OpenFile {
  /** Bytes from `at` on, `length` of them, fewer when the file ends before. */
  read(at: number, length: number): Promise<Uint8Array>;
  state(): Promise<FileState>;
  close(): Promise<void>;
}
