import { appendFile, type FileHandle, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { BlockMeta } from '../../core/block/meta.ts';
import { FileError } from '../../core/errors.ts';
import type { GotBlock } from './get-range.ts';

/** What a restoration left behind. */
export interface Restored {
  /** Files that are whole, by their path below the folder. */
  readonly files: readonly string[];
  /** Blocks without a name, in order, in one file; null when there were none. */
  readonly lines: { readonly path: string; readonly blocks: number } | null;
  /** Files of which a part is damaged or outside the range, with the parts that were verified: nothing of them was written. */
  readonly incomplete: readonly { readonly name: string; readonly got: number; readonly parts: number }[];
}

const LINES = 'lines';

/**
 * Writes verified blocks as the files and lines they were: parts of a file are joined, blocks without a name are
 * appended to the file `lines`. A file appears under its name only when all its parts are verified; a second file of the
 * same name gets `~2` behind it, so that nothing written is replaced.
 */
export async function restoreFiles(
  folder: string,
  blocks: AsyncIterable<Pick<GotBlock, 'meta' | 'content'>>,
): Promise<Restored> {
  await mkdir(folder, { recursive: true });
  const writer = new FolderWriter(folder);
  try {
    for await (const { meta, content } of blocks) {
      if (meta !== null && content !== null) await writer.write(meta, content);
    }
    return await writer.finish();
  } finally {
    await writer.abandon();
  }
}

interface OpenFile {
  readonly name: string;
  readonly parts: number;
  readonly temporary: string;
  next: number;
}

class FolderWriter {
  readonly #folder: string;
  // Parts are appended by path: a dataset may leave more files unfinished than a process may hold open.
  readonly #open = new Map<string, OpenFile>();
  readonly #files: string[] = [];
  readonly #incomplete: { name: string; got: number; parts: number }[] = [];
  readonly #broken = new Map<string, { got: number }>();
  readonly #copies = new Map<string, number>();
  #staging: string | null = null;
  #begun = 0;
  #lines: { handle: FileHandle; path: string; blocks: number } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(meta: BlockMeta, content: Uint8Array): Promise<void> {
    if (meta.name === undefined) {
      this.#lines ??= { handle: await this.#create(LINES), path: LINES, blocks: 0 };
      await this.#lines.handle.appendFile(content);
      this.#lines.blocks += 1;
      return;
    }
    const part = meta.part ?? 0;
    const parts = meta.parts ?? 1;
    if (part === 0) await this.#begin(meta.name, parts);
    const file = this.#open.get(meta.name);
    if (file === undefined || file.next !== part || file.parts !== parts) {
      await this.#drop(meta.name, parts, (file?.next ?? 0) + 1);
      return;
    }
    await appendFile(file.temporary, content);
    file.next += 1;
    if (file.next === file.parts) await this.#complete(file);
  }

  async finish(): Promise<Restored> {
    for (const file of [...this.#open.values()]) await this.#drop(file.name, file.parts, file.next);
    await this.#lines?.handle.sync();
    return {
      files: this.#files,
      lines: this.#lines === null ? null : { path: this.#lines.path, blocks: this.#lines.blocks },
      incomplete: this.#incomplete,
    };
  }

  /** Closes what is open and removes what is not whole. */
  async abandon(): Promise<void> {
    this.#open.clear();
    await this.#lines?.handle.close();
    this.#lines = null;
    if (this.#staging !== null) await rm(this.#staging, { recursive: true, force: true });
  }

  async #begin(name: string, parts: number): Promise<void> {
    const unfinished = this.#open.get(name);
    if (unfinished !== undefined) await this.#drop(name, unfinished.parts, unfinished.next);
    this.#broken.delete(name);
    // A folder of our own: no name that a device chose can be in it.
    this.#staging ??= await mkdtemp(join(this.#folder, '.restoring-'));
    this.#begun += 1;
    this.#open.set(name, { name, parts, temporary: join(this.#staging, String(this.#begun)), next: 0 });
  }

  async #complete(file: OpenFile): Promise<void> {
    const handle = await open(file.temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    this.#open.delete(file.name);
    const relative = await this.#reserve(file.name);
    await rename(file.temporary, join(this.#folder, relative));
    this.#files.push(relative);
  }

  /** Takes a free name. An exclusive empty file holds it, so that the rename replaces nothing of anybody else's. */
  async #reserve(name: string): Promise<string> {
    let path = safePath(name);
    try {
      await mkdir(dirname(join(this.#folder, path)), { recursive: true });
    } catch (cause) {
      // A file has the name of one of the folders.
      if (!isCode(cause, 'EEXIST', 'ENOTDIR')) throw cause;
      path = path.replaceAll(sep, '_');
    }
    for (;;) {
      const copy = (this.#copies.get(path) ?? 0) + 1;
      this.#copies.set(path, copy);
      const relative = copy === 1 ? path : `${path}~${copy}`;
      try {
        await (await open(join(this.#folder, relative), 'wx')).close();
        return relative;
      } catch (cause) {
        if (!isCode(cause, 'EEXIST')) throw cause;
      }
    }
  }

  async #drop(name: string, parts: number, got: number): Promise<void> {
    const file = this.#open.get(name);
    if (file !== undefined) {
      this.#open.delete(name);
      await rm(file.temporary, { force: true });
    }
    const broken = this.#broken.get(name);
    if (broken !== undefined) {
      broken.got += got;
      return;
    }
    const entry = { name: safePath(name), got, parts };
    this.#broken.set(name, entry);
    this.#incomplete.push(entry);
  }

  async #create(name: string): Promise<FileHandle> {
    try {
      return await open(join(this.#folder, name), 'wx');
    } catch (cause) {
      throw new FileError(`${join(this.#folder, name)} exists already; nothing is overwritten. Give an empty folder.`, {
        cause,
      });
    }
  }
}

// Most file systems take 255 bytes a name; a number may come behind it.
const MAX_STEP_BYTES = 240;

/** A path below the folder, whatever the name says: it was written by a device, not by this machine's user. */
function safePath(name: string): string {
  const steps = name.split(/[/\\]/).map((step) => cutToBytes(step.replace(/\p{Cc}/gu, '_'), MAX_STEP_BYTES));
  const clean = steps.filter((step) => step !== '' && step !== '.' && step !== '..');
  return clean.length === 0 || clean[0] === LINES ? ['file', ...clean].join(sep) : clean.join(sep);
}

function cutToBytes(text: string, most: number): string {
  const characters = [...text];
  while (Buffer.byteLength(characters.join('')) > most) characters.pop();
  return characters.join('');
}

function isCode(cause: unknown, ...codes: string[]): boolean {
  return codes.includes((cause as NodeJS.ErrnoException).code ?? '');
}
