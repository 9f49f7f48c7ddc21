import type { Directories, DirectoryEntry, FileState, OpenFile } from '../../core/ports/directories.ts';

interface MemoryFile {
  readonly inode: bigint;
  readonly content: Uint8Array;
  readonly changedNs: bigint;
}

/** Files in memory, changed at times of a clock that a test holds. All directories above a file are there with it. */
export class MemoryDirectories implements Directories {
  readonly #nowMs: () => number;
  readonly #files = new Map<string, MemoryFile>();
  readonly #directories = new Set<string>();
  #lastInode = 0n;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  makeDirectory(path: string): void {
    for (let at = path.length; at > 0; at = path.lastIndexOf('/', at - 1)) this.#directories.add(path.slice(0, at));
  }

  write(path: string, text: string): void {
    this.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    const inode = this.#files.get(path)?.inode ?? ++this.#lastInode;
    this.#files.set(path, { inode, content: Buffer.from(text), changedNs: BigInt(this.#nowMs()) * 1_000_000n });
  }

  append(path: string, text: string): void {
    this.write(path, `${Buffer.from(this.#files.get(path)?.content ?? []).toString()}${text}`);
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  async kindOf(path: string): Promise<'directory' | 'other' | null> {
    if (this.#directories.has(path)) return 'directory';
    return this.#files.has(path) ? 'other' : null;
  }

  async resolve(path: string): Promise<string> {
    return path;
  }

  async list(path: string): Promise<readonly DirectoryEntry[] | null> {
    if (!this.#directories.has(path)) return null;
    const below = (kind: 'file' | 'directory', all: Iterable<string>): DirectoryEntry[] =>
      [...all]
        .filter((one) => one.startsWith(`${path}/`) && !one.includes('/', path.length + 1))
        .map((one) => ({ name: one.slice(path.length + 1), isUtf8: true, kind }));
    return [...below('file', this.#files.keys()), ...below('directory', this.#directories)];
  }

  async stateOf(path: string): Promise<FileState | null> {
    const file = this.#files.get(path);
    if (file !== undefined) return stateOf(file);
    return this.#directories.has(path) ? { ...FOLDER, inode: BigInt(path.length) } : null;
  }

  async open(path: string): Promise<OpenFile> {
    const opened = this.#files.get(path);
    if (opened === undefined) throw new Error(`${path} is not there.`);
    const now = (): MemoryFile => this.#files.get(path) ?? opened;
    return {
      read: async (at, length) => now().content.slice(at, at + length),
      state: async () => stateOf(now()),
      close: async () => {},
    };
  }

  /** It tells nothing, as a share on the network does: everything is looked at again and again. */
  async watch(): Promise<null> {
    return null;
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
  }
}

const FOLDER = { kind: 'directory', sizeBytes: 0, changedNs: 0n, statusChangedNs: 0n } as const;

function stateOf({ inode, content, changedNs }: MemoryFile): FileState {
  return { kind: 'file', inode, sizeBytes: content.length, changedNs, statusChangedNs: changedNs };
}
