import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FileError, PlumblineError } from '../../core/errors.ts';
import { requirePrivate } from './require-private.ts';
import { sweepLeftovers } from './sweep-leftovers.ts';

/** No file with secrets is larger. */
const MAX_SECRET_FILE_BYTES = 1024 * 1024;

/**
 * Writes a new file that only this user can read, durably.
 * @throws FileError when it exists: a secret is never replaced by accident
 */
export async function createSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, cause);
    throw new FileError(`${path} exists already, and is never replaced. Give another name, or move the file away.`, {
      cause,
    });
  }
  await fill(file, content);
  await syncFolderOf(path);
}

/**
 * Replaces a file at once, durably, mode 0600: a reader sees the old content or the new, also after a crash. What a process that
 * was killed meanwhile has left beside it, the next one takes away.
 */
export async function replaceSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  await rm(temporary, { force: true });
  try {
    await fill(await open(temporary, 'wx', 0o600), content);
    await rename(temporary, path);
    await sweepLeftovers(path);
    await syncFolderOf(path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause instanceof PlumblineError ? cause : unusable(path, cause);
  }
}

/**
 * Reads a file with secrets.
 * @throws FileError when it is missing, is no plain file, belongs to somebody else or could be read by others
 */
export async function readSecretFile(path: string, maxBytes = MAX_SECRET_FILE_BYTES): Promise<string> {
  return readSecretFileSync(path, maxBytes);
}

/** As `readSecretFile`, for callers that cannot wait: no such file is long. */
export function readSecretFileSync(path: string, maxBytes = MAX_SECRET_FILE_BYTES): string {
  let file: number;
  try {
    // Without NONBLOCK, opening a pipe that somebody put there would wait for ever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unusable(path, cause);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new FileError(`${path} is not a plain file.`);
    requirePrivate(path, stat);
    if (stat.size > maxBytes) {
      throw new FileError(`${path} has ${stat.size} bytes; at most ${maxBytes} are read.`);
    }
    return readWhole(path, file);
  } finally {
    closeSync(file);
  }
}

function readWhole(path: string, file: number): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** Whether an error of these functions says that the file is not there. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof FileError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

async function fill(file: FileHandle, content: string | Uint8Array): Promise<void> {
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name must survive a power cut as well as the bytes. */
async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(resolve(path)), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unusable(path: string, cause: unknown): FileError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new FileError(`${path} cannot be used (${code}).`, { cause });
}
