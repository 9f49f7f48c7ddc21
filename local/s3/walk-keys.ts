import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTINUED_MARK, DATA_MARK, decodeSegment } from './object-path.ts';
import { isMissing } from './open-store.ts';

/** Where a walk is; the caller may move it on between two keys. */
export interface Cursor {
  /** Only keys that begin so. */
  readonly prefix: string;
  /** Only keys behind this one. */
  readonly after: string;
  /** No (more) keys that begin so. */
  skip: string | null;
}

export interface FoundKey {
  readonly key: string;
  readonly dataPath: string;
}

/** Finds the keys below a bucket's folder in the binary order of their UTF-8, without looking where none can be. */
export async function* walkKeys(folder: string, cursor: Cursor, above = ''): AsyncGenerator<FoundKey> {
  for (const entry of await readSegments(folder, '')) {
    const name = above + entry.text;
    if (cursor.skip !== null && name.startsWith(cursor.skip)) continue;
    if (entry.kind === 'object') {
      if (name.startsWith(cursor.prefix) && compareKeys(name, cursor.after) > 0)
        yield { key: name, dataPath: entry.path };
    } else if (
      (name.startsWith(cursor.prefix) || cursor.prefix.startsWith(name)) &&
      (compareKeys(name, cursor.after) > 0 || cursor.after.startsWith(name))
    ) {
      yield* walkKeys(entry.path, cursor, name);
    }
  }
}

export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

interface Segment {
  readonly kind: 'object' | 'folder';
  /** The decoded segment; a folder's ends in a slash, which is what orders it right among the objects. */
  readonly text: string;
  readonly path: string;
}

async function readSegments(folder: string, begun: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const entry of await listFolder(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && entry.name.endsWith(DATA_MARK)) {
      const text = decodeSegment(begun + entry.name.slice(0, -DATA_MARK.length));
      if (text !== null) segments.push({ kind: 'object', text, path });
    } else if (entry.isDirectory() && entry.name.endsWith(CONTINUED_MARK)) {
      segments.push(...(await readSegments(path, begun + entry.name.slice(0, -CONTINUED_MARK.length))));
    } else if (entry.isDirectory()) {
      const text = decodeSegment(begun + entry.name);
      if (text !== null) segments.push({ kind: 'folder', text: `${text}/`, path });
    }
  }
  if (begun !== '') return segments;
  const keyed = segments.map((segment) => ({ segment, bytes: Buffer.from(segment.text) }));
  return keyed.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ segment }) => segment);
}

async function listFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
