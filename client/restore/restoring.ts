import { FolderPaths } from './folder-paths.ts';
import { GrowingFile } from './growing-file.ts';
import type { IndexLine } from './index-line.ts';
import { PartSequence } from './part-sequence.ts';
import { claimFolder, type RestoredFolder } from './restored-folder.ts';
import { IndexWriter } from './write-index.ts';

/** What all that writes to one folder shares: its paths, its index, and what came of them so far. */
export class Restoring {
  readonly folder: RestoredFolder;
  readonly paths: FolderPaths;
  readonly parts = new PartSequence();
  /** Files that are whole. */
  readonly files: string[] = [];
  readonly renamed: { name: string; path: string }[] = [];
  readonly used = new Set<string>();
  /** Blocks that an earlier run had written. */
  kept = 0;
  readonly #numbers = new Map<string, number>();
  #index: IndexWriter | null = null;

  constructor(folder: RestoredFolder) {
    this.folder = folder;
    this.paths = new FolderPaths(folder);
  }

  /** Null before the first block. */
  get index(): IndexWriter | null {
    return this.#index;
  }

  /** The folder is claimed with the first block. */
  async begin(): Promise<void> {
    if (this.#index !== null) return;
    await claimFolder(this.folder);
    this.#index = await IndexWriter.begin(this.folder.path, this.folder.isContinued);
  }

  async note(line: IndexLine): Promise<void> {
    await this.#index?.note(line);
  }

  async flush(): Promise<void> {
    await this.#index?.flush();
  }

  /** Of the files of a series. */
  get ending(): string {
    return this.folder.request.as === 'jsonl' ? '.jsonl' : '';
  }

  grow(make: () => Promise<string>): GrowingFile {
    return new GrowingFile(this.folder.path, make);
  }

  async goOn(file: GrowingFile, path: string, mayGrow: boolean): Promise<void> {
    if (!(await file.goOnFrom({ path, mayGrow }))) this.paths.release(path);
  }

  /** A file is there under a name. */
  use(name: string | null, path: string): void {
    this.used.add(path);
    if (name !== null && path !== name + this.ending) this.renamed.push({ name, path });
  }

  /** The number of the next version of a file, or message of a topic, from 1. */
  count(name: string): number {
    const number = this.numberOf(name) + 1;
    this.#numbers.set(name, number);
    return number;
  }

  /** Of the last one; 0 before the first. */
  numberOf(name: string): number {
    return this.#numbers.get(name) ?? 0;
  }
}
