import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GAP_TYPE } from '../gap-note.ts';
import { readHighMark } from '../high-mark.ts';
import { salvageBlocks } from './salvage-blocks.ts';

/** What was saved out of an outbox, and what was not. */
export interface Salvage {
  readonly blocks: number;
  readonly bytes: number;
  /** Files that were put together; `stream` is one where there were nameless blocks. */
  readonly files: number;
  /** Numbers of captured blocks whose bytes are damaged. */
  readonly damaged: number;
  /** Numbers between the first and the last found of which nothing was found: dropped earlier, or lost. */
  readonly missing: number;
  /** Numbers behind the last found that the mark knows of: let go as the storage has proven them, or lost. */
  readonly behind: number;
}

const SEGMENT_BYTES = 200;

/**
 * Writes everything captured that can be read out of an outbox into a new folder: `stream`, all nameless blocks one behind
 * another; `files/NAME`, each named file's blocks, later versions as NAME~2, NAME~3 …; `index.jsonl`, one line a block with its
 * number, time, true name and place, and one for each that is lost.
 * @throws FileError when there is no such outbox
 */
export function writeSalvaged(outboxPath: string, folder: string): Salvage {
  mkdirSync(folder, { mode: 0o700 });
  const found = { blocks: 0, bytes: 0, damaged: 0, missing: 0 };
  const versions = new Map<string, number>();
  const sizes = new Map<string, number>();
  const note = (line: object): void =>
    appendFileSync(join(folder, 'index.jsonl'), `${JSON.stringify(line)}\n`, { mode: 0o600 });
  let next: number | null = null;
  for (const { seq, ...block } of salvageBlocks(outboxPath)) {
    if (next !== null && seq > next) {
      found.missing += seq - next;
      note({ missing: [next, seq - 1] });
    }
    next = seq + 1;
    if (block.content === null) {
      found.damaged++;
      note({ block: seq, damaged: true });
      continue;
    }
    const { content, meta } = block;
    const { name, part = 0, from = 0, at, type } = meta;
    const isNew = name !== undefined && part === 0 && from === 0;
    const version = name === undefined ? 1 : (versions.get(name) ?? 0) + (isNew ? 1 : 0) || 1;
    if (name !== undefined) versions.set(name, version);
    const file = name === undefined ? 'stream' : `files/${safePath(name)}${version > 1 ? `~${version}` : ''}`;
    const offset = sizes.get(file) ?? 0;
    mkdirSync(dirname(join(folder, file)), { recursive: true, mode: 0o700 });
    appendFileSync(join(folder, file), content, { mode: 0o600 });
    sizes.set(file, offset + content.length);
    found.blocks++;
    found.bytes += content.length;
    const gap = type === GAP_TYPE ? { gap: true } : {};
    note({ block: seq, file, offset, bytes: content.length, at, ...(name === undefined ? {} : { name }), ...gap });
  }
  const behind = Math.max(0, (readHighMark(outboxPath).mark?.blocks ?? 0) - (next ?? 0));
  if (behind > 0) note({ behind: [next ?? 0, (next ?? 0) + behind - 1] });
  return { ...found, behind, files: sizes.size };
}

/** A name as a path below a folder, whatever it holds: the index has the true one. */
function safePath(name: string): string {
  const segments = name.split('/').map((segment) => segment.replace(/[^\w .()+,@=-]/g, '_').slice(0, SEGMENT_BYTES));
  return segments.map((segment) => (/^\.*$/.test(segment) ? '_' : segment)).join('/');
}
