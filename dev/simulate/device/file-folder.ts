import type { Directories, FileState } from '../../../core/ports/directories.ts';
import { NO_NAME_RULES } from '../../../device/sources/directory/choose-by-name.ts';
import { watchDirectory } from '../../../device/sources/watch-directory.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { gapOf, type Restored, type Writing } from './writing.ts';

const FOLDER = '/readings';
const BLOCK_BYTES = 700;

interface MemoryFile {
  readonly inode: bigint;
  readonly content: Buffer;
  readonly changedNs: bigint;
}

/**
 * A program that writes files into a directory that a device watches: at once, or in two steps. The directory may go away for a
 * while, as a disk that is not mounted, and reading may fail.
 */
export function createFileWriter(
  time: VirtualTime,
  random: SeededRandom,
  faults: FaultWatch,
  { files: count, lastMs }: { readonly files: number; readonly lastMs: number },
): Writing {
  const contents = new Map<string, Buffer>();
  const there = new Map<string, MemoryFile>();
  const listeners = new Set<(name: string | null) => void>();
  const write = (name: string, content: Buffer): void => {
    const inode = there.get(name)?.inode ?? BigInt(there.size + 2);
    there.set(name, { inode, content, changedNs: BigInt(time.nowMs()) * 1_000_000n });
    for (const listen of listeners) listen(name);
  };
  for (let number = 0; number < count; number++) {
    const name = `reading ${number}.csv`;
    const content = Buffer.from(`${number} ${'reading '.repeat(random.between(1, 400))}`);
    contents.set(name, content);
    const atMs = random.between(0, lastMs - time.nowMs());
    const half = random.chance(0.3) ? content.length >> 1 : content.length;
    time.after(atMs, () => write(name, content.subarray(0, half)));
    if (half < content.length) time.after(atMs + 1500, () => write(name, content));
  }
  const blocksOf = ({ length }: Buffer): number => Math.ceil(length / BLOCK_BYTES);
  const total = [...contents.values()].reduce((sum, content) => sum + blocksOf(content), 0);
  const tells = random.chance(0.5);
  return {
    connect: (_kept, isAlive) =>
      watchDirectory(directoriesOf({ there, faults, listeners: tells ? listeners : null, isAlive }), FOLDER, {
        ...{ blockBytes: BLOCK_BYTES, scanEveryMs: 5_000, settleMs: 3_000, deleteAfterChecked: false, keepOut: [] },
        names: NO_NAME_RULES,
      }),
    isAllKept: ({ blocks }) => blocks >= total,
    faultsOf: (blocks, isWhole) => faultsOfFiles(contents, blocks, isWhole),
  };
}

function directoriesOf({
  there,
  faults,
  listeners,
  isAlive,
}: {
  readonly there: ReadonlyMap<string, MemoryFile>;
  readonly faults: FaultWatch;
  /** Null: the system tells nothing. */
  readonly listeners: Set<(name: string | null) => void> | null;
  readonly isAlive: () => boolean;
}): Directories {
  const nameOf = (path: string): string => path.slice(FOLDER.length + 1);
  const isGone = (): boolean => faults.strikes('folder-gone') !== null;
  const stateOf = ({ inode, content, changedNs }: MemoryFile): FileState => {
    return { kind: 'file', inode, sizeBytes: content.length, changedNs, statusChangedNs: changedNs };
  };
  const folder: FileState = { kind: 'directory', inode: 1n, sizeBytes: 0, changedNs: 0n, statusChangedNs: 0n };
  const refused = (syscall: string): Error =>
    Object.assign(new Error(`EIO: i/o error, ${syscall}`), { code: 'EIO', errno: -5, syscall });
  return {
    kindOf: async () => (isGone() ? null : 'directory'),
    resolve: async (path) => path,
    list: async () =>
      isGone() ? null : [...there.keys()].map((name) => ({ name, isUtf8: true, kind: 'file' as const })),
    async stateOf(path) {
      if (path === FOLDER) return folder;
      const file = there.get(nameOf(path));
      return file === undefined ? null : stateOf(file);
    },
    async open(path) {
      const now = (): MemoryFile => there.get(nameOf(path)) as MemoryFile;
      if (faults.strikes('file-unreadable') !== null) throw refused('open');
      return {
        async read(at, length) {
          if (faults.strikes('file-unreadable') !== null) throw refused('read');
          return now().content.subarray(at, at + length);
        },
        state: async () => stateOf(now()),
        close: async () => {},
      };
    },
    async watch(_path, onChange) {
      if (listeners === null) return null;
      const listen = (name: string | null): void => {
        if (isAlive()) onChange(name);
      };
      listeners.add(listen);
      return { stop: () => void listeners.delete(listen) };
    },
    remove: () => Promise.reject(new Error('Nothing here is to be removed.')),
  };
}

/** Each file whole, once; of one that lacks blocks a note says so by its name. */
function faultsOfFiles(contents: ReadonlyMap<string, Buffer>, blocks: readonly Restored[], isWhole: boolean): string[] {
  const damaged = new Set(blocks.flatMap((block) => gapOf(block)?.files ?? []));
  const parts = Map.groupBy(
    blocks.filter((block) => gapOf(block) === null),
    ({ meta }) => meta.name ?? '',
  );
  const faults: string[] = [];
  for (const [name, found] of parts) {
    const written = contents.get(name);
    const content = Buffer.concat(found.map((one) => one.content));
    if (damaged.has(name) || (written?.equals(content) ?? false)) continue;
    const isBeginning = written?.subarray(0, content.length).equals(content) ?? false;
    if (isWhole || !isBeginning)
      faults.push(`file ${name} has ${content.length} bytes, not the ${written?.length} written`);
  }
  if (isWhole) {
    for (const name of contents.keys())
      if (!parts.has(name) && !damaged.has(name)) faults.push(`file ${name} is missing`);
  }
  return faults;
}
