import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { FileError } from '../../../core/errors.ts';
import { requirePrivate } from '../require-private.ts';

/** Kernels keep the path of a socket in 104 bytes (macOS) or 108 (Linux), with a zero at its end. */
export const MAX_SOCKET_PATH_BYTES = 103;
/** `.` and a process's number, behind the name of a socket that is being made. */
const SUFFIX_BYTES = 11;

/** Where the holder of one home's keystore listens. */
export interface SocketPlace {
  /** A folder of this user alone, with mode 0700; it may not be there yet. */
  readonly folder: string;
  readonly socket: string;
}

/**
 * The places in the order of preference: the session's own folder (`XDG_RUNTIME_DIR`), which ends with the session and is on no
 * disk, if nobody else can use it; else a folder in the home. A home has its own name in each, so that two homes never meet.
 * @param runtimeFolder what the environment says, if it does
 * @returns why the session's folder was passed over, or null
 */
export function socketPlaces(
  home: string,
  runtimeFolder: string | undefined,
): { readonly places: readonly SocketPlace[]; readonly passedOver: string | null } {
  const real = realPath(home);
  const name = `${createHash('sha256').update(real).digest('hex').slice(0, 12)}.sock`;
  const inHome = placeIn(join(real, 'unlocked'), name);
  if (runtimeFolder === undefined || runtimeFolder === '') return { places: [inHome], passedOver: null };
  const place = placeIn(join(runtimeFolder, 'plumbline'), name);
  const passedOver = whyNotIn(runtimeFolder, place);
  return { places: passedOver === null ? [place, inHome] : [inHome], passedOver };
}

/** @throws FileError when a path is longer than a socket's may be */
export function requireShort({ socket }: SocketPlace): void {
  const bytes = Buffer.byteLength(socket) + SUFFIX_BYTES;
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new FileError(
    `The path of the socket, ${socket}, has ${bytes} bytes with its ending; at most ${MAX_SOCKET_PATH_BYTES} are possible. Set XDG_RUNTIME_DIR to a folder of yours (mode 0700) with a short path.`,
  );
}

/**
 * Looks at a folder by its own name, never through a link, which its maker could turn elsewhere.
 * @returns null when there is none
 * @throws FileError when it is a link, belongs to somebody else, or others can use it
 */
export function statPrivateFolder(path: string): Stats | null {
  const stat = statOf(path);
  if (stat === null) return null;
  if (!stat.isDirectory()) throw new FileError(`${path} is not a folder. Move it away.`);
  requirePrivate(path, stat);
  return stat;
}

/** As `statPrivateFolder`, for the socket in it. @throws FileError when it is something else, or somebody else's */
export function statPrivateSocket(path: string): Stats | null {
  const stat = statOf(path);
  if (stat === null) return null;
  if (!stat.isSocket()) throw new FileError(`${path} is not a socket. Move it away.`);
  requirePrivate(path, stat);
  return stat;
}

function placeIn(folder: string, name: string): SocketPlace {
  return { folder, socket: join(folder, name) };
}

function whyNotIn(runtimeFolder: string, place: SocketPlace): string | null {
  try {
    if (!isAbsolute(runtimeFolder)) throw new FileError(`${runtimeFolder} is not an absolute path.`);
    if (statPrivateFolder(runtimeFolder) === null) throw new FileError(`${runtimeFolder} does not exist.`);
    statPrivateFolder(place.folder);
    requireShort(place);
    return null;
  } catch (error) {
    if (error instanceof FileError) return error.shortMessage;
    throw error;
  }
}

function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new FileError(`${path} cannot be inspected (${code ?? 'unknown error'}).`, { cause });
  }
}

/** Two names of one home lead to one holder. */
function realPath(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    // There is none: nothing is held for it, wherever one looks.
    return home;
  }
}
