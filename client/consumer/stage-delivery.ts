import { type FileHandle, open, rm } from 'node:fs/promises';
import { decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { u32 } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { FileError } from '../../core/errors.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { MAX_BLOCK_BYTES } from '../../core/limits.ts';
import type { BlockToRestore } from '../restore/restore-files.ts';
import type { DeliverySink } from './deliver-purchase.ts';
import type { VerifiedBlock } from './verified-block.ts';

/** Verified blocks of one delivery, in one file, until they become files and lines. */
export interface StagedDelivery extends DeliverySink {
  /** The staged blocks, in order, as restoreFiles takes them; the first of them is `first`. */
  blocks(first: BlockIndex): AsyncGenerator<BlockToRestore>;
  close(): Promise<void>;
  /** Removes the file: what was staged is elsewhere now. */
  remove(): Promise<void>;
}

const FRAME_BYTES = 8;
const MAX_META_BYTES = 4096;

/**
 * Opens the file of a delivery and cuts it behind its first `verified` blocks: what a crash left behind them comes again.
 * @throws FileError when it holds fewer than were verified
 *
 * @example
 * const staged = await stageDelivery(`${folder}/blocks`, 0);
 * await staged.append({ index: 5, meta: { at: 0 }, content: new TextEncoder().encode('warm') });
 * await staged.sync();
 * for await (const { index, content } of staged.blocks(5)) console.log(index, content?.length); // 5 4
 * await staged.remove();
 */
export async function stageDelivery(path: string, verified: number): Promise<StagedDelivery> {
  const file = await open(path, 'a+', 0o600);
  try {
    await cutBehind(file, path, verified);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    async append({ meta, content }: VerifiedBlock) {
      const metaBytes = encodeMeta(meta);
      await file.appendFile(Buffer.concat([u32(metaBytes.length), u32(content.length), metaBytes, content]));
    },
    sync: () => file.sync(),
    async *blocks(first) {
      let at = 0;
      let index = first;
      for (let frame = await readFrame(file, at); frame !== null; frame = await readFrame(file, at)) {
        const meta = decodeMeta(frame.meta);
        yield { index, upTo: index, verdict: 'intact', reason: null, meta, content: frame.content };
        index += 1;
        at = frame.end;
      }
    },
    close: () => file.close(),
    async remove() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

async function cutBehind(file: FileHandle, path: string, verified: number): Promise<void> {
  let at = 0;
  for (let number = 0; number < verified; number++) {
    const frame = await readFrame(file, at);
    if (frame === null) {
      throw new FileError(
        `${path} holds only ${number} of ${counted(verified, 'verified block')}. Put the file back, or move the purchase's state away and fetch again; blocks that you have paid for are free.`,
      );
    }
    at = frame.end;
  }
  await file.truncate(at);
}

async function readFrame(
  file: FileHandle,
  at: number,
): Promise<{ meta: Uint8Array; content: Uint8Array; end: number } | null> {
  const head = await readExactly(file, at, FRAME_BYTES);
  if (head === null) return null;
  const view = new DataView(head.buffer, head.byteOffset, FRAME_BYTES);
  const [metaBytes, contentBytes] = [view.getUint32(0), view.getUint32(4)];
  if (metaBytes > MAX_META_BYTES || contentBytes > MAX_BLOCK_BYTES) return null;
  const rest = await readExactly(file, at + FRAME_BYTES, metaBytes + contentBytes);
  if (rest === null) return null;
  return {
    meta: rest.subarray(0, metaBytes),
    content: rest.subarray(metaBytes),
    end: at + FRAME_BYTES + rest.length,
  };
}

async function readExactly(file: FileHandle, at: number, length: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) return null;
    done += bytesRead;
  }
  return bytes;
}
