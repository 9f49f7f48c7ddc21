import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { BlockMeta } from '../../core/block/meta.ts';
import { InvalidInputError } from '../../core/errors.ts';
import type { GotBlock } from './get-range.ts';

/** What a restoration left behind. */
export interface Restored {
  /** Files that are whole, by their path below the folder. */
  readonly files: readonly string[];
  /** Blocks without a name, in order, in one file; null when there were none. */
  readonly lines: { readonly path: string; readonly blocks: number } | null;
  /** Files of which a part is damaged or outside the range: nothing of them was written. */
  readonly incomplete: readonly { readonly name: string; readonly got: number; readonly parts: number }[];
}

const LINES = 'lines';

/**
 * Writes verified blocks as the files and lines they were: parts of a file are joined, blocks without a name are
 * appended to the file `lines`. A file appears under its name only when all its parts are verified; a second file of the
 * same name gets `~2` behind it, so that nothing written is replaced.
 */
export async function restoreFiles(folder: string, blocks: AsyncIterable<GotBlock>): Promise<Restored> {
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
  readonly handle: FileHandle;
  next: number;
}

class FolderWriter {
  readonly #folder: string;
  readonly #open = new Map<string, OpenFile>();
  readonly #files: string[] = [];
  readonly #incomplete: { name: string; got: number; parts: number }[] = [];
  #lines: { handle: FileHandle; path: string; blocks: number } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(meta: BlockMeta, content: Uint8Array): Promise<void> {
    if (meta.name === undefined) {
      this.#lines ??= { handle: await this.#create(LINES), path: LINES, blocks: 0 };
      await this.#lines.handle.write(content);
      this.#lines.blocks += 1;
      return;
    }
    const part = meta.part ?? 0;
    const parts = meta.parts ?? 1;
    if (part === 0) await this.#begin(meta.name, parts);
    const file = this.#open.get(meta.name);
    if (file === undefined || file.next !== part || file.parts !== parts) {
      await this.#drop(meta.name, parts, file === undefined ? 1 : file.next);
      return;
    }
    await file.handle.write(content);
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
    for (const file of this.#open.values()) {
      await file.handle.close();
      await rm(file.temporary, { force: true });
    }
    this.#open.clear();
    await this.#lines?.handle.close();
    this.#lines = null;
  }

  async #begin(name: string, parts: number): Promise<void> {
    const unfinished = this.#open.get(name);
    if (unfinished !== undefined) await this.#drop(name, unfinished.parts, unfinished.next);
    const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
    const temporary = join(this.#folder, `.${digest}.part`);
    await rm(temporary, { force: true });
    this.#open.set(name, { name, parts, temporary, handle: await open(temporary, 'wx'), next: 0 });
  }

  async #complete(file: OpenFile): Promise<void> {
    await file.handle.sync();
    await file.handle.close();
    this.#open.delete(file.name);
    for (let copy = 1; ; copy++) {
      const relative = copy === 1 ? safePath(file.name) : `${safePath(file.name)}~${copy}`;
      const path = join(this.#folder, relative);
      await mkdir(dirname(path), { recursive: true });
      // An exclusive empty file reserves the name, so that the rename replaces nothing of anybody else's.
      const reserved = await open(path, 'wx').catch(ignoreExisting);
      if (reserved === null) continue;
      await reserved.close();
      await rename(file.temporary, path);
      this.#files.push(relative);
      return;
    }
  }

  async #drop(name: string, parts: number, got: number): Promise<void> {
    const file = this.#open.get(name);
    if (file !== undefined) {
      await file.handle.close();
      await rm(file.temporary, { force: true });
      this.#open.delete(name);
    }
    const noted = this.#incomplete.find((entry) => entry.name === name);
    if (noted === undefined) this.#incomplete.push({ name, got, parts });
    else if (file === undefined) noted.got += 1;
  }

  async #create(name: string): Promise<FileHandle> {
    try {
      return await open(join(this.#folder, name), 'wx');
    } catch (cause) {
      throw new InvalidInputError(
        `${join(this.#folder, name)} exists already; nothing is overwritten. Give an empty folder.`,
        { cause },
      );
    }
  }
}

/** A path below the folder, whatever the name says: it was written by a device, not by this machine's user. */
function safePath(name: string): string {
  const steps = name.split(/[/\\]/).filter((step) => step !== '' && step !== '.' && step !== '..');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
  const clean = steps.map((step) => step.replace(/[\u0000-\u001f\u007f]/g, '_').slice(0, 200));
  return clean.length === 0 || clean[0] === LINES ? ['file', ...clean].join(sep) : clean.join(sep);
}

function ignoreExisting(cause: NodeJS.ErrnoException): null {
  if (cause.code === 'EEXIST') return null;
  throw cause;
}
