import { mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { isCode } from './folder-error.ts';
import type { RestoredFolder } from './restored-folder.ts';
import { STAGING, safePath } from './safe-path.ts';

/** Gives out paths below a folder: each once, and none that somebody else's file has. */
export class FolderPaths {
  readonly #folder: string;
  readonly #isContinued: boolean;
  /** Given out in this run or an earlier one. */
  readonly #given = new Set<string>();
  readonly #copies = new Map<string, number>();
  #staging: string | null = null;
  #staged = 0;

  constructor({ path, isContinued, kept }: RestoredFolder) {
    this.#folder = path;
    this.#isContinued = isContinued;
    for (const { place } of kept.values()) if (!isStaged(place.path)) this.#given.add(place.path);
  }

  /** An earlier run's file is not there any more: its path is free. */
  release(path: string): void {
    this.#given.delete(path);
  }

  /** Creates an empty file, which holds the name, so that nothing of anybody else's is replaced. */
  async create(name: string, ending = ''): Promise<string> {
    let path = safePath(name);
    try {
      await mkdir(dirname(join(this.#folder, path)), { recursive: true });
    } catch (cause) {
      // A file has the name of one of the folders.
      if (!isCode(cause, 'EEXIST', 'ENOTDIR')) throw cause;
      path = path.replaceAll(sep, '_');
    }
    return this.createAt(path, ending);
  }

  async createAt(path: string, ending = ''): Promise<string> {
    for (;;) {
      const key = path + ending;
      const copy = (this.#copies.get(key) ?? 0) + 1;
      this.#copies.set(key, copy);
      const relative = `${copy === 1 ? path : `${path}~${copy}`}${ending}`;
      if (this.#given.has(relative)) continue;
      try {
        await (await open(join(this.#folder, relative), 'wx')).close();
        this.#given.add(relative);
        return relative;
      } catch (cause) {
        if (!isCode(cause, 'EEXIST')) throw cause;
      }
    }
  }

  /** An empty file that no name leads to. */
  async stage(): Promise<string> {
    this.#staging ??= (await mkdtemp(join(this.#folder, STAGING))).slice(this.#folder.length + 1);
    this.#staged += 1;
    const relative = join(this.#staging, String(this.#staged));
    await (await open(join(this.#folder, relative), 'wx')).close();
    return relative;
  }

  /** Gives a staged file its name. */
  async settle(staged: string, name: string): Promise<string> {
    const path = await this.create(name);
    await rename(join(this.#folder, staged), join(this.#folder, path));
    return path;
  }

  discard(staged: string): Promise<void> {
    return rm(join(this.#folder, staged), { force: true });
  }

  /** Removes what is staged, by this run and by earlier ones. */
  async clear(): Promise<void> {
    const found = this.#isContinued ? await readdir(this.#folder) : [];
    const staging = found.filter((name) => name.startsWith(STAGING));
    for (const name of new Set([...staging, ...(this.#staging === null ? [] : [this.#staging])])) {
      await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }
}

export function isStaged(path: string): boolean {
  return path.startsWith(STAGING);
}
