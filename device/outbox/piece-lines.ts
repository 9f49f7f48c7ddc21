import { type BlockMeta, decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { concatBytes } from '../../core/bytes.ts';
import { OutboxDamagedError } from './errors.ts';

/** One block of a piece: how much of its content, and its meta as it will be sealed. */
export interface PieceLine {
  readonly size: number;
  readonly meta: Uint8Array;
}

/** Sizes and metas of a piece's blocks: for each u32 size ‖ u16 length ‖ meta. */
export function encodeLines(blocks: readonly { readonly content: Uint8Array; readonly meta: BlockMeta }[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { content, meta } of blocks) {
    const bytes = encodeMeta(meta);
    const front = new Uint8Array(6);
    const view = new DataView(front.buffer);
    view.setUint32(0, content.length);
    view.setUint16(4, bytes.length);
    parts.push(front, bytes);
  }
  return concatBytes(...parts);
}

/** @throws OutboxDamagedError when the bytes are not what encodeLines wrote */
export function decodeLines(bytes: Uint8Array, seq: number): PieceLine[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lines: PieceLine[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 6 <= bytes.length ? at + 6 + view.getUint16(at + 4) : bytes.length + 1;
    if (end > bytes.length) throw new OutboxDamagedError(`The lines of the piece at ${seq} end early.`);
    lines.push({ size: view.getUint32(at), meta: bytes.slice(at + 6, end) });
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
