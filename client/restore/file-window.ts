import { open, stat } from 'node:fs/promises';
import { isCode } from './folder-error.ts';

const WINDOW_BYTES = 64 * 1024;

/** A file that is read in pieces, mostly one after the other. It is not held open: there may be thousands at once. */
export class FileWindow {
  readonly #path: string;
  #begin = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  private constructor(path: string) {
    this.#path = path;
  }

  /** Null when there is no such file. */
  static async open(path: string): Promise<FileWindow | null> {
    try {
      return (await stat(path)).isFile() ? new FileWindow(path) : null;
    } catch (cause) {
      if (isCode(cause, 'ENOENT', 'ENOTDIR')) return null;
      throw cause;
    }
  }

  /** Fewer bytes where the file ends before. */
  async read(at: number, length: number): Promise<Uint8Array> {
    const from = at - this.#begin;
    if (from < 0 || from + length > this.#bytes.length) {
      this.#bytes = await readFully(this.#path, at, Math.max(length, WINDOW_BYTES));
      this.#begin = at;
      return this.#bytes.subarray(0, length);
    }
    return this.#bytes.subarray(from, from + length);
  }

  async sizeBytes(): Promise<number> {
    return (await stat(this.#path)).size;
  }
}

async function readFully(path: string, at: number, length: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(bytes, done, length - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done < length ? bytes.slice(0, done) : bytes;
  } finally {
    await handle.close();
  }
}
