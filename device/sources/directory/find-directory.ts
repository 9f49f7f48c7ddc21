import { ArgumentError, FileError } from '../../../core/errors.ts';
import type { Directories } from '../../../core/ports/directories.ts';
import { reasonOfFault } from './reason-of-fault.ts';

/** A directory that is there, or why it is not. */
export type Found = { readonly inode: bigint } | { readonly reason: string };

/** Looks for a directory that may be on a disk that is not mounted. Two with one inode are one. */
export async function findDirectory(
  directories: Pick<Directories, 'kindOf' | 'resolve' | 'stateOf'>,
  directory: string,
): Promise<Found> {
  try {
    const kind = await directories.kindOf(directory);
    if (kind === null) return { reason: `Directory ${directory} does not exist; waiting for it to be created.` };
    if (kind === 'other') return { reason: `${directory} is not a directory; waiting for a directory to replace it.` };
    const state = await directories.stateOf(await directories.resolve(directory));
    return { inode: state?.inode ?? 0n };
  } catch (cause) {
    return { reason: reasonOfFault(`Directory ${directory} cannot be inspected`, cause) };
  }
}

/**
 * Makes sure that a directory may be captured, before anything in it is.
 * @throws FileError when something else has its name
 * @throws ArgumentError when it holds what must never be captured
 */
export async function requireCapturable(
  directories: Pick<Directories, 'kindOf' | 'resolve'>,
  directory: string,
  keepOut: readonly string[],
): Promise<void> {
  const kind = await directories.kindOf(directory);
  if (kind === 'other') throw new FileError(`${directory} is not a directory. Give the directory to watch.`);
  if (kind === null) return;
  const root = `${await directories.resolve(directory)}/`;
  for (const path of keepOut) {
    // One that is not there holds no secret, but may be written there again.
    const resolved = await directories.resolve(path).catch(() => path);
    if (!resolved.startsWith(root)) continue;
    throw new ArgumentError(
      `The directory ${directory} holds the device's own ${path}, which is secret. Watch another directory.`,
    );
  }
}
