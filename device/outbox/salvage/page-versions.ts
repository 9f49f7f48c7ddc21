import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { FileError } from '../../../core/errors.ts';

/** The pages of a SQLite file and of its log, read without SQLite: as many versions of each as lie on the disk. */
export interface PageVersions {
  readonly pageBytes: number;
  /** Page numbers from 1 to this. */
  readonly count: number;
  /** Newest first: from the log's end to its beginning, then the file's own. */
  versions(page: number): Generator<Uint8Array>;
  close(): void;
}

const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const DEFAULT_PAGE_BYTES = 4096;
const MAX_PAGE_BYTES = 65_536;

/** @throws FileError when there is no such file */
export function openPages(path: string): PageVersions {
  const file = open(path);
  if (file === null) throw new FileError(`There is no outbox at ${path}.`);
  const log = open(`${path}-wal`);
  const pageBytes = pageBytesOf(file) ?? pageBytesOf(log, 8) ?? DEFAULT_PAGE_BYTES;
  const frames = log === null ? new Map<number, number[]>() : framesOf(log, pageBytes);
  const filePages = Math.ceil(file.bytes / pageBytes);
  return {
    pageBytes,
    count: [...frames.keys()].reduce((most, page) => Math.max(most, page), filePages),
    *versions(page) {
      for (const at of (frames.get(page) ?? []).toReversed()) yield read(log as OpenFile, at, pageBytes);
      if (page <= filePages) yield read(file, (page - 1) * pageBytes, pageBytes);
    },
    close() {
      closeSync(file.descriptor);
      if (log !== null) closeSync(log.descriptor);
    },
  };
}

interface OpenFile {
  readonly descriptor: number;
  readonly bytes: number;
}

function open(path: string): OpenFile | null {
  if (!existsSync(path)) return null;
  const descriptor = openSync(path, 'r');
  return { descriptor, bytes: fstatSync(descriptor).size };
}

/** What the disk does not give is zeros: the pages around it may be sound. */
function read({ descriptor }: OpenFile, at: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  try {
    readSync(descriptor, bytes, 0, length, at);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EIO') throw cause;
  }
  return bytes;
}

/** As the header says: u16 at 16, 1 for 65,536; in the log's u32 at 8. Null where that is damaged. */
function pageBytesOf(file: OpenFile | null, at = 16): number | null {
  if (file === null) return null;
  const header = Buffer.from(read(file, 0, LOG_HEADER_BYTES));
  const said = at === 16 ? header.readUInt16BE(at) : header.readUInt32BE(at);
  const pageBytes = said === 1 ? MAX_PAGE_BYTES : said;
  return pageBytes >= 512 && pageBytes <= MAX_PAGE_BYTES && (pageBytes & (pageBytes - 1)) === 0 ? pageBytes : null;
}

/** Where the frames of each page begin, oldest first; those of a former round of the log included. */
function framesOf(log: OpenFile, pageBytes: number): Map<number, number[]> {
  const frames = new Map<number, number[]>();
  const size = FRAME_HEADER_BYTES + pageBytes;
  const most = Math.ceil(log.bytes / pageBytes) + 2 ** 22;
  for (let at = LOG_HEADER_BYTES; at + size <= log.bytes; at += size) {
    const page = Buffer.from(read(log, at, 4)).readUInt32BE();
    if (page === 0 || page > most) continue;
    frames.set(page, [...(frames.get(page) ?? []), at + FRAME_HEADER_BYTES]);
  }
  return frames;
}
