import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InvalidInputError } from '../../core/errors.ts';

/** No file with secrets is larger. */
const MAX_SECRET_FILE_BYTES = 1024 * 1024;

/**
 * Writes a new file that only this user can read, durably.
 * @throws InvalidInputError when it exists: a secret is never replaced by accident
 */
export async function createSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, cause);
    throw new InvalidInputError(`${path} exists already and is not replaced. Give another name, or move it away.`, {
      cause,
    });
  }
  await fill(file, content);
  await syncFolderOf(path);
}

/** Replaces a file at once, durably, mode 0600: a reader sees the old content or the new, also after a crash. */
export async function replaceSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  await rm(temporary, { force: true });
  try {
    await fill(await open(temporary, 'wx', 0o600), content);
    await rename(temporary, path);
    await syncFolderOf(path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause instanceof InvalidInputError ? cause : unusable(path, cause);
  }
}

/**
 * Reads a file with secrets.
 * @throws InvalidInputError when it is missing, is no plain file, belongs to somebody else or could be read by others
 */
export async function readSecretFile(path: string): Promise<string> {
  let file: FileHandle;
  try {
    // Without NONBLOCK, opening a pipe that somebody put there would wait for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unusable(path, cause);
  }
  try {
    const { mode, uid, size, isFile } = await file.stat().then((stat) => ({ ...stat, isFile: stat.isFile() }));
    if (!isFile) throw new InvalidInputError(`${path} is not a plain file.`);
    if ((Number(mode) & 0o077) !== 0) {
      const shown = (Number(mode) & 0o777).toString(8).padStart(4, '0');
      throw new InvalidInputError(
        `${path} has mode ${shown}, so others can read it; it must be 0600. Run: chmod 600 ${path}`,
      );
    }
    const user = process.getuid?.();
    if (user !== undefined && uid !== user)
      throw new InvalidInputError(`${path} belongs to user ${uid}, not to you (${user}).`);
    if (Number(size) > MAX_SECRET_FILE_BYTES) {
      throw new InvalidInputError(`${path} has ${size} bytes; at most ${MAX_SECRET_FILE_BYTES} are read.`);
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Whether an error of these functions says that the file is not there. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof InvalidInputError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
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

function unusable(path: string, cause: unknown): InvalidInputError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new InvalidInputError(`${path} cannot be used (${code}).`, { cause });
}
