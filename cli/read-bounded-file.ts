import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FileError } from '../core/errors.ts';

export interface FileBound {
  /** No such file has more. */
  readonly maxBytes: number;
  /** A sentence for whoever named a larger one. */
  readonly ifLarger: string;
}

/**
 * A whole file that anybody may have made: plain, and no larger than such a file can be. It is opened once, and no more is read than
 * it had when it was measured.
 * @throws FileError naming the path: it is missing, not plain, too large, or cannot be read
 */
export async function readBoundedFile(path: string, { maxBytes, ifLarger }: FileBound): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new FileError(`${path} is not a plain file.`);
    if (stats.size > maxBytes) {
      throw new FileError(`${path} has ${stats.size} bytes; at most ${maxBytes} are read. ${ifLarger}`);
    }
    return await readAtMost(path, file, stats.size);
  } finally {
    await file.close();
  }
}

/** The same as text. @throws FileError also where it is not UTF-8 */
export async function readBoundedText(path: string, bound: FileBound): Promise<string> {
  const bytes = await readBoundedFile(path, bound);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileError(`${path} is not text in UTF-8.`, { cause });
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without NONBLOCK, opening a pipe that somebody put there would wait for ever.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Whoever writes to it meanwhile adds nothing to what is read. */
async function readAtMost(path: string, file: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let read = 0;
  try {
    while (read < sizeBytes) {
      const { bytesRead } = await file.read(bytes, read, sizeBytes - read, read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return bytes.subarray(0, read);
}

/** What the system says of a path, in words. */
export function unreadable(path: string, cause: unknown): FileError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
  return new FileError(code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read (${code}).`, {
    cause,
  });
}
