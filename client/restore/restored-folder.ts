import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import { fromHex } from '../../core/bytes.ts';
import { FileError, PlumblineError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { FileWindow } from './file-window.ts';
import { folderError, isCode } from './folder-error.ts';
import { keptLine, type Place } from './index-line.ts';
import { contentOfJsonLine } from './json-line.ts';
import { INDEX_FILE, NEXT_INDEX_FILE, REQUEST_FILE } from './safe-path.ts';

/** How blocks become files. */
export type RestoreAs = 'files' | 'lines' | 'jsonl';

/** What a folder is for: the same request again goes on in it, another one is refused. */
export interface RestoreRequest {
  readonly as: RestoreAs;
  /** The same for the same request. */
  readonly of: Readonly<Record<string, string | number>>;
  /** For people: what of what. */
  readonly title: string;
}

/** A block that an earlier run has written. Whether it is still so is seen when it is read. */
export interface KeptBlock {
  readonly place: Place;
  /** In hex. */
  readonly meta: string;
}

/** A folder to restore into, with what an earlier run of the same request has left in it. */
export interface RestoredFolder {
  readonly path: string;
  readonly request: RestoreRequest;
  /** Whether an earlier run was here. */
  readonly isContinued: boolean;
  readonly kept: ReadonlyMap<BlockIndex, KeptBlock>;
  /** Files that an earlier run has written one block after the other, by name; of the stream, by null. */
  readonly series: ReadonlyMap<string | null, string>;
  /** What an earlier run has written of a block, as it is now; null when it is not there. Nothing of it is believed. */
  read(block: BlockIndex): Promise<{ readonly meta: BlockMeta; readonly content: Uint8Array } | null>;
}

const requestFile = z.object({
  as: z.enum(['files', 'lines', 'jsonl']),
  of: z.record(z.string(), z.union([z.string(), z.number()])),
  title: z.string(),
});

/**
 * Looks into a folder before anything is written to it.
 * @throws FileError when it holds what another request has brought back, or cannot be read
 *
 * @example
 * const request = { as: 'files', of: { dataset: 'door' }, title: 'dataset door as files' } as const;
 * console.log((await openRestoredFolder(`${folder}/out`, request)).isContinued); // false
 */
export async function openRestoredFolder(path: string, request: RestoreRequest): Promise<RestoredFolder> {
  try {
    const earlier = await readRequest(path);
    if (earlier !== null && !isSame(earlier, request)) {
      throw new FileError(
        `${path} holds ${earlier.title}, restored earlier; you asked for ${request.title}. Give another folder, or repeat the earlier request to continue it.`,
      );
    }
    const kept: Kept = earlier === null ? { blocks: new Map(), series: new Map() } : await readKept(path, request.as);
    const windows = new Map<string, FileWindow | null>();
    return {
      ...{ path, request, isContinued: earlier !== null, kept: kept.blocks, series: kept.series },
      async read(block) {
        const found = kept.blocks.get(block);
        if (found === undefined) return null;
        return readBlock(await windowOf(windows, path, found.place.path), found, request.as);
      },
    };
  } catch (cause) {
    throw folderError(path, cause);
  }
}

/**
 * Marks a folder as this request's.
 *
 * @example
 * const request = { as: 'lines', of: { dataset: 'door' }, title: 'dataset door as lines' } as const;
 * await claimFolder(await openRestoredFolder(`${folder}/out`, request));
 * console.log((await openRestoredFolder(`${folder}/out`, request)).isContinued); // true
 */
export async function claimFolder({ path, request, isContinued }: RestoredFolder): Promise<void> {
  await mkdir(path, { recursive: true });
  if (isContinued) return;
  const file = join(path, REQUEST_FILE);
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(`${JSON.stringify(request, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

async function readRequest(folder: string): Promise<RestoreRequest | null> {
  const file = join(folder, REQUEST_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return null;
    throw cause;
  }
  try {
    return requestFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new FileError(`${file} does not say what the folder was made for. Give another folder.`, { cause });
  }
}

function isSame(one: RestoreRequest, other: RestoreRequest): boolean {
  const keys = Object.keys({ ...one.of, ...other.of });
  return one.as === other.as && keys.every((key) => one.of[key] === other.of[key]);
}

interface Kept {
  readonly blocks: Map<BlockIndex, KeptBlock>;
  readonly series: Map<string | null, string>;
}

async function readKept(folder: string, as: RestoreAs): Promise<Kept> {
  const kept: Kept = { blocks: new Map(), series: new Map() };
  const paths = new Map<string, string>();
  for (const file of [INDEX_FILE, NEXT_INDEX_FILE]) {
    for await (const line of readIndex(join(folder, file))) {
      const { block, verdict, name, path, offset, sizeBytes, meta } = line;
      // A later run's word counts.
      kept.blocks.delete(block);
      if (verdict !== 'intact' || path === null || meta === null) continue;
      if (offset === undefined || sizeBytes === undefined || !isBelow(path)) continue;
      const known = paths.get(path) ?? path;
      paths.set(known, known);
      kept.blocks.set(block, { place: { path: known, offset, sizeBytes }, meta });
      if (as !== 'files' || name === null) kept.series.set(name, known);
    }
  }
  return kept;
}

async function* readIndex(path: string): AsyncGenerator<z.infer<typeof keptLine>> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return;
    throw cause;
  }
  for await (const text of handle.readLines()) {
    const line = parseLine(text);
    if (line !== null) yield line;
  }
}

/** The last line may be torn. */
function parseLine(text: string): z.infer<typeof keptLine> | null {
  try {
    return keptLine.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function isBelow(path: string): boolean {
  return !path.startsWith('/') && !path.split(/[/\\]/).includes('..');
}

async function windowOf(
  windows: Map<string, FileWindow | null>,
  folder: string,
  path: string,
): Promise<FileWindow | null> {
  const known = windows.get(path);
  if (known !== undefined) return known;
  // Blocks are asked for in order: a few files are in use at a time.
  const oldest = windows.keys().next();
  if (windows.size >= MOST_WINDOWS && oldest.done !== true) windows.delete(oldest.value);
  const window = await FileWindow.open(join(folder, path));
  windows.set(path, window);
  return window;
}

const MOST_WINDOWS = 256;

async function readBlock(
  window: FileWindow | null,
  { place, meta }: KeptBlock,
  as: RestoreAs,
): Promise<{ meta: BlockMeta; content: Uint8Array } | null> {
  if (window === null) return null;
  try {
    const bytes = await window.read(place.offset, place.sizeBytes);
    if (bytes.length < place.sizeBytes) return null;
    const decoded = decodeMeta(fromHex(meta));
    const content = as === 'jsonl' ? contentOfJsonLine(bytes, decoded) : bytes.slice();
    return content === null ? null : { meta: decoded, content };
  } catch (cause) {
    if (cause instanceof PlumblineError || isCode(cause, 'ENOENT', 'ENOTDIR')) return null;
    throw cause;
  }
}
