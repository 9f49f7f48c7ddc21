import { appendFile, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError } from '../../core/errors.ts';
import { isCode } from './folder-error.ts';
import type { IndexLine } from './index-line.ts';
import { INDEX_FILE, INDEX_TEXT_FILE, NEXT_INDEX_FILE } from './safe-path.ts';
import { summariseIndex } from './summarise-index.ts';

const BUFFER_CHARACTERS = 32 * 1024;

/** Writes the index, a line a block, in the order in which blocks come to lie where they lie. */
export class IndexWriter {
  readonly #folder: string;
  readonly #isContinued: boolean;
  readonly #path: string;
  #lines: string[] = [];
  #characters = 0;

  private constructor(folder: string, isContinued: boolean) {
    this.#folder = folder;
    this.#isContinued = isContinued;
    this.#path = join(folder, isContinued ? NEXT_INDEX_FILE : INDEX_FILE);
  }

  /** @throws FileError when somebody else's file has the index's name */
  static async begin(folder: string, isContinued: boolean): Promise<IndexWriter> {
    const index = new IndexWriter(folder, isContinued);
    // Of a run that was killed.
    if (isContinued) await index.#join();
    try {
      await (await open(index.#path, 'wx')).close();
    } catch (cause) {
      if (!isCode(cause, 'EEXIST')) throw cause;
      throw new FileError(`${index.#path} exists already, but this program did not write it. Give another folder.`, {
        cause,
      });
    }
    await rm(join(folder, INDEX_TEXT_FILE), { force: true });
    return index;
  }

  async note(line: IndexLine): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#characters += text.length;
    if (this.#characters >= BUFFER_CHARACTERS) await this.flush();
  }

  /**
   * All blocks have come: makes the index for people, and forgets what an earlier run said. `moved` are files that went on
   * under another path in the midst, new paths by old ones.
   */
  async finish(title: string, moved: ReadonlyMap<string, string>): Promise<void> {
    await this.flush();
    if (moved.size > 0) await this.#renamePaths(moved);
    if (this.#isContinued) await rename(this.#path, join(this.#folder, INDEX_FILE));
    await summariseIndex(this.#folder, title);
  }

  /** Not all have come: what was written is kept for the next run. */
  async abandon(): Promise<void> {
    await this.flush();
    if (this.#isContinued) await this.#join();
  }

  /** A new file is in the index as soon as it is there: a run that is killed leaves none that the next one does not know. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    // Where the disk is full, all of it comes again: behind a line that may be torn.
    this.#lines = ['\n', text];
    await appendFile(this.#path, text);
    this.#lines = [];
    this.#characters = 0;
  }

  async #renamePaths(moved: ReadonlyMap<string, string>): Promise<void> {
    const temporary = `${this.#path}.moved`;
    await rm(temporary, { force: true });
    let lines: string[] = [];
    const flush = async (): Promise<void> => {
      await appendFile(temporary, lines.join(''));
      lines = [];
    };
    const handle = await open(this.#path, 'r');
    for await (const text of handle.readLines()) {
      const line = JSON.parse(text) as IndexLine;
      const path = line.path === null ? undefined : moved.get(line.path);
      lines.push(`${path === undefined ? text : JSON.stringify({ ...line, path })}\n`);
      if (lines.length >= 1000) await flush();
    }
    await flush();
    await rename(temporary, this.#path);
  }

  async #join(): Promise<void> {
    let text: Buffer;
    try {
      text = await readFile(this.#path);
    } catch (cause) {
      if (isCode(cause, 'ENOENT')) return;
      throw cause;
    }
    // In front, a torn line is ended.
    await appendFile(join(this.#folder, INDEX_FILE), Buffer.concat([Buffer.from('\n'), text]));
    await rm(this.#path);
  }
}
