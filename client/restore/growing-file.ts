import { appendFile, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../../core/bytes.ts';
import { FileWindow } from './file-window.ts';

/** A file of an earlier run, from which this one may go on. */
export interface EarlierFile {
  readonly path: string;
  /** Whether it may be written to where it ends early: a file under its final name that was whole is never changed. */
  readonly mayGrow: boolean;
}

interface Compared {
  readonly file: EarlierFile;
  readonly window: FileWindow;
}

// As many topics as a broker has may be written side by side.
const BUFFER_BYTES = 16 * 1024;
const COPY_BYTES = 1024 * 1024;

/**
 * A file that is written from its beginning on. Where an earlier run has written the same bytes, they are left as they are.
 * Where what it wrote was changed since, that file is left to whoever changed it, and a new one is made.
 */
export class GrowingFile {
  readonly #folder: string;
  readonly #make: () => Promise<string>;
  #earlier: Compared | null = null;
  #path: string | null = null;
  #left: string | null = null;
  #buffer: Uint8Array[] = [];
  #buffered = 0;
  #position = 0;

  /** `make` creates an empty file and gives its path below the folder. */
  constructor(folder: string, make: () => Promise<string>) {
    this.#folder = folder;
    this.#make = make;
  }

  /** Null while nothing is written. */
  get path(): string | null {
    return this.#earlier?.file.path ?? this.#path;
  }

  get sizeBytes(): number {
    return this.#position;
  }

  /** Whether all of it so far is in the earlier file. */
  get isEarlier(): boolean {
    return this.#earlier !== null;
  }

  /** The earlier file that this one began in and left; null where it did not. */
  get leftPath(): string | null {
    return this.#left;
  }

  /** Goes on from an earlier file; false when it is gone. */
  async goOnFrom(file: EarlierFile): Promise<boolean> {
    const window = await FileWindow.open(join(this.#folder, file.path));
    if (window !== null) this.#earlier = { file, window };
    return window !== null;
  }

  /** Gives where the bytes begin. */
  async append(bytes: Uint8Array): Promise<number> {
    const offset = this.#position;
    if (this.#earlier !== null) {
      const there = await this.#earlier.window.read(offset, bytes.length);
      if (equalBytes(there, bytes)) {
        this.#position += bytes.length;
        return offset;
      }
      await this.#leave(this.#earlier, equalBytes(there, bytes.subarray(0, there.length)));
    }
    this.#path ??= await this.#make();
    this.#buffer.push(bytes);
    this.#buffered += bytes.length;
    this.#position += bytes.length;
    if (this.#buffered >= BUFFER_BYTES) await this.flush();
    return offset;
  }

  /** Leaves an earlier file that does not end where this one does. */
  async requireSameEnd(): Promise<void> {
    if (this.#earlier === null || (await this.#earlier.window.sizeBytes()) === this.#position) return;
    await this.#leave(this.#earlier, false);
  }

  async flush(): Promise<void> {
    if (this.#buffered === 0) return;
    const bytes = Buffer.concat(this.#buffer);
    this.#buffer = [];
    this.#buffered = 0;
    await appendFile(join(this.#folder, this.#path as string), bytes);
  }

  /** Everything is on the disk. */
  async sync(): Promise<void> {
    await this.flush();
    if (this.#path === null) return;
    const handle = await open(join(this.#folder, this.#path), 'r+');
    await handle.sync().finally(() => handle.close());
  }

  async #leave({ file, window }: Compared, endsEarly: boolean): Promise<void> {
    this.#earlier = null;
    if (endsEarly && file.mayGrow) {
      await truncate(join(this.#folder, file.path), this.#position);
      this.#path = file.path;
    } else {
      this.#left = file.path;
      this.#path = await this.#make();
      for (let at = 0; at < this.#position; at += COPY_BYTES) {
        const piece = await window.read(at, Math.min(COPY_BYTES, this.#position - at));
        await appendFile(join(this.#folder, this.#path), piece);
      }
    }
  }
}
