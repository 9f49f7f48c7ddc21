import { crc32 } from 'node:zlib';
import { type BlockMeta, decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { concatBytes } from '../../core/bytes.ts';
import { OutboxDamagedError } from './errors.ts';

/** One block of a piece: how much of its content, and its meta as it will be sealed. */
export interface PieceLine {
  readonly size: number;
  /** Of its content. */
  readonly crc: number;
  readonly meta: Uint8Array;
}

const FRONT_BYTES = 10;

/** What is known of a piece's blocks: for each u32 size ‖ u32 CRC of the content ‖ u16 length ‖ meta. */
export function encodeLines(blocks: readonly { readonly content: Uint8Array; readonly meta: BlockMeta }[]): Uint8Array {
  return joinLines(
    blocks.map(({ content, meta }) => ({ size: content.length, crc: crc32(content), meta: encodeMeta(meta) })),
  );
}

/** Lines as they are, one behind another. */
export function joinLines(lines: readonly PieceLine[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { size, crc, meta } of lines) {
    const front = new Uint8Array(FRONT_BYTES);
    const view = new DataView(front.buffer);
    view.setUint32(0, size);
    view.setUint32(4, crc);
    view.setUint16(8, meta.length);
    parts.push(front, meta);
  }
  return concatBytes(...parts);
}

/** @throws OutboxDamagedError when the bytes are not what encodeLines wrote */
export function decodeLines(bytes: Uint8Array, seq: number): PieceLine[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: PieceLine[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + FRONT_BYTES;
    const end = start <= bytes.length ? start + view.getUint16(at + 8) : bytes.length + 1;
    if (end > bytes.length) throw new OutboxDamagedError(`The lines of the piece at ${seq} end early.`);
    lines.push({ size: view.getUint32(at), crc: view.getUint32(at + 4), meta: bytes.slice(start, end) });
    at = end;
  }
  return lines;
}

/** @throws OutboxDamagedError when the bytes are no meta */
export function metaOf(line: PieceLine): BlockMeta {
  try {
    return decodeMeta(line.meta);
  } catch (cause) {
    throw new OutboxDamagedError('A captured block has no readable meta on this disk. Keep a copy of the outbox.', {
      cause,
    });
  }
}
