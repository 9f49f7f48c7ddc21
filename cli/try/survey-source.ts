import { constants } from 'node:fs';
import { access, realpath, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { counted } from '../../core/counted.ts';
import { ArgumentError, FileError } from '../../core/errors.ts';
import type { Directories } from '../../core/ports/directories.ts';
import { type NameRules, NO_NAME_RULES } from '../../device/sources/directory/choose-by-name.ts';
import { walkTree } from '../../device/sources/directory/walk-tree.ts';
import { showBytes } from '../device/parse-units.ts';
import type { TryFolder, TrySource } from './try-folder.ts';

/** What a source holds now, before anything of it is captured. */
export interface Survey {
  /** As a device watches it. */
  readonly directory: string;
  readonly directories: Directories;
  readonly names: NameRules;
  readonly files: number;
  readonly bytes: number;
  /** The newest file that can be read, by its name from the directory on: evidence is made of it. */
  readonly newest: { readonly name: string; readonly sizeBytes: number };
}

/** Stored once by the storage and once, for a while, by the device, and a chain beside it. */
const DISK_FACTOR = 2.2;
const DISK_BESIDES_BYTES = 200 * 2 ** 20;

/** What stands at a path: a folder or a file. @throws ArgumentError for anything else, or what cannot be read */
export async function kindOfPath(path: string): Promise<{ kind: 'folder' | 'file'; path: string }> {
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT'
      ? new ArgumentError(`There is no ${path}. Give a folder or a file, or - for standard input.`)
      : unreadable(path, cause);
  });
  const found = await stat(real).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (!found.isDirectory() && !found.isFile()) {
    throw new ArgumentError(`${path} is a pipe or a device, not a folder or a file. Pipe it in: … | plumb try -`);
  }
  await access(real, found.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK).catch((cause) => {
    throw unreadable(path, cause);
  });
  return { kind: found.isDirectory() ? 'folder' : 'file', path: real };
}

/**
 * Looks at a source as its device will: the same walk, the same names left alone.
 * @throws FileError when nothing of it can be captured, or the disk has no room for it
 */
export async function surveySource(folder: TryFolder, { kind, path }: TrySource): Promise<Survey> {
  const directory = kind === 'file' ? dirname(path) : path;
  const directories = kind === 'file' ? onlyFile(directory, basename(path)) : nodeDirectories;
  const names = kind === 'file' ? { ...NO_NAME_RULES, take: [basename(path)] } : await namesOf(folder, path);
  const walk = await walkTree(directories, directory, '', names);
  const filled = (walk?.files ?? []).filter(({ sizeBytes }) => sizeBytes > 0);
  const newest = await newestReadable(directory, filled);
  if (newest === null) throw nothingToCapture(path, kind, filled.length, walk?.leftOut[0]?.reason ?? null);
  const bytes = filled.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await requireRoom(folder, bytes);
  return { directory, directories, names, files: filled.length, bytes, newest };
}

async function namesOf(folder: TryFolder, path: string): Promise<NameRules> {
  const own = await realpath(folder.path).catch(() => folder.path);
  if (`${path}${sep}`.startsWith(`${own}${sep}`) && path !== folder.inputFolder) {
    throw new ArgumentError(`${path} is inside ${own}, plumb try's own folder. Give data from elsewhere.`);
  }
  const below = relative(path, own);
  // Its own keys and stack, where its folder lies in the data: the pattern has a slash, so that it means this path alone.
  const isBelow = below !== '' && below !== '..' && !below.startsWith(`..${sep}`);
  return isBelow ? { ...NO_NAME_RULES, skip: [`/${below}`] } : NO_NAME_RULES;
}

/** A directory in which nothing but one file is seen. */
function onlyFile(directory: string, name: string): Directories {
  return {
    ...nodeDirectories,
    async list(path) {
      const entries = await nodeDirectories.list(path);
      return path === directory ? (entries?.filter((entry) => entry.name === name) ?? null) : [];
    },
  };
}

async function newestReadable(
  directory: string,
  files: readonly { readonly path: string; readonly sizeBytes: number }[],
): Promise<Survey['newest'] | null> {
  for (const { path, sizeBytes } of files.toReversed()) {
    const isReadable = await access(join(directory, path), constants.R_OK).then(
      () => true,
      () => false,
    );
    if (isReadable) return { name: path, sizeBytes };
  }
  return null;
}

function nothingToCapture(path: string, kind: TrySource['kind'], files: number, reason: string | null): FileError {
  if (files > 0)
    return new FileError(`None of the ${counted(files, 'file')} of ${path} can be read. Check their permissions.`);
  if (kind !== 'folder') return new FileError(`${path} is empty. Give a file with data in it.`);
  const why = reason === null ? '' : ` Some entries are skipped: ${reason}`;
  return new FileError(`${path} has no file with data in it.${why} Give a folder with files, or a file.`);
}

async function requireRoom({ path }: TryFolder, bytes: number): Promise<void> {
  const free = await statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
  const needed = DISK_FACTOR * bytes + DISK_BESIDES_BYTES;
  if (free >= needed) return;
  throw new FileError(
    `${showBytes(bytes)} of data need about ${showBytes(needed)} in ${path}, but its disk has only ${showBytes(free)} free. Give less data, or a --folder on another disk.`,
  );
}

function unreadable(path: string, cause: NodeJS.ErrnoException): FileError {
  return new FileError(`${path} cannot be read (${cause.code ?? 'unknown error'}). Check its permissions.`, {
    cause,
  });
}
