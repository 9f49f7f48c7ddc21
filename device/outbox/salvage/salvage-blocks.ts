import { crc32 } from 'node:zlib';
import type { BlockMeta } from '../../../core/block/meta.ts';
import { decodeLines, metaOf, type PieceLine } from '../piece-lines.ts';
import { findCells, type PieceCell } from './find-cells.ts';
import { openPages, type PageVersions } from './page-versions.ts';

/** A captured block that was read back, and is what was written: its own CRC says so. */
export interface SalvagedBlock {
  readonly seq: number;
  readonly content: Uint8Array;
  readonly meta: BlockMeta;
}

/** A number of a piece that was found, whose block is not what was written. */
export interface LostBlock {
  readonly seq: number;
  readonly content: null;
}

interface Place {
  readonly page: number;
  readonly version: number;
  readonly cell: PieceCell;
}

/**
 * Everything captured that can be read out of an outbox, in the order of capture, without SQLite: from whatever pages there
 * are, in the file and in its log. Blocks that were released, as the storage has proven them, may be among them.
 * @throws FileError when there is no such file
 */
export function* salvageBlocks(path: string): Generator<SalvagedBlock | LostBlock> {
  const pages = openPages(path);
  try {
    const places = new Map<number, Place[]>();
    for (let page = 1; page <= pages.count; page++) {
      let version = 0;
      for (const bytes of pages.versions(page)) {
        for (const cell of findCells(bytes))
          places.set(cell.seq, [...(places.get(cell.seq) ?? []), { page, version, cell }]);
        version++;
      }
    }
    let next = 0;
    for (const [seq, candidates] of [...places].sort(([a], [b]) => a - b)) {
      const blocks = bestOf(pages, seq, candidates);
      // What lies in the numbers of an earlier piece is that piece before it was split.
      for (const block of blocks) if (block.seq >= next) yield block;
      next = Math.max(next, (blocks.at(-1)?.seq ?? -1) + 1);
    }
  } finally {
    pages.close();
  }
}

/** The version of a piece of which most is sound; none where nothing is. */
function bestOf(pages: PageVersions, seq: number, places: readonly Place[]): (SalvagedBlock | LostBlock)[] {
  let best: (SalvagedBlock | LostBlock)[] = [];
  let bestSound = 0;
  for (const place of places) {
    for (const newest of [true, false]) {
      const blocks = readPiece(seq, readPayload(pages, place, newest), place.cell);
      const sound = blocks.filter(({ content }) => content !== null).length;
      if (sound > bestSound) [best, bestSound] = [blocks, sound];
      if (bestSound > 0 && bestSound === blocks.length) return best;
    }
  }
  return best;
}

/** A row's payload: what is in its page, then the overflow pages, by the newest version of each or by the file's own. */
function readPayload(pages: PageVersions, { page, version, cell }: Place, newest: boolean): Uint8Array {
  const own = [...pages.versions(page)][version] as Uint8Array;
  const payload = Buffer.alloc(cell.payloadBytes);
  payload.set(own.subarray(cell.localAt, cell.localAt + cell.localBytes));
  let at = cell.localBytes;
  let follow = cell.overflow;
  while (at < payload.length && follow > 0 && follow <= pages.count) {
    const versions = [...pages.versions(follow)];
    const bytes = Buffer.from((newest ? versions[0] : versions.at(-1)) ?? new Uint8Array(pages.pageBytes));
    payload.set(bytes.subarray(4, 4 + Math.min(bytes.length - 4, payload.length - at)), at);
    at += bytes.length - 4;
    const named = bytes.readUInt32BE(0);
    // SQLite writes them one behind another wherever it can: the likeliest, where the pointer is damaged.
    follow = named > 0 && named <= pages.count ? named : follow + 1;
  }
  return payload;
}

function readPiece(seq: number, payload: Uint8Array, { fields }: PieceCell): (SalvagedBlock | LostBlock)[] {
  const part = ({ at, bytes }: { at: number; bytes: number }): Uint8Array => payload.subarray(at, at + bytes);
  const lines = tryLines(part(fields.lines), seq);
  const content = part(fields.content);
  let at = 0;
  return lines.map((line, number) => {
    const bytes = content.subarray(at, at + line.size);
    at += line.size;
    const meta = bytes.length === line.size && crc32(bytes) === line.crc ? tryMeta(line) : null;
    return meta === null ? { seq: seq + number, content: null } : { seq: seq + number, content: bytes, meta };
  });
}

/** Their own CRC is not asked: where one bit of them is damaged, each other block still proves itself. */
function tryLines(bytes: Uint8Array, seq: number): PieceLine[] {
  try {
    return decodeLines(bytes, seq);
  } catch {
    return [];
  }
}

function tryMeta(line: PieceLine): BlockMeta | null {
  try {
    return metaOf(line);
  } catch {
    return null;
  }
}
