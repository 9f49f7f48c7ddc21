import type { Readable } from 'node:stream';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { FileError } from '../../core/errors.ts';
import type { Source } from './source.ts';

const NEWLINE = 0x0a;
// One entry, one acknowledgement: many short lines share the cost.
const ENTRY_BYTES = 256 * 1024;

/**
 * A stream, a line a block, its newline included; a line above `blockBytes` becomes consecutive blocks. None of them has a
 * name: all nameless blocks of a dataset, one after the other, are the stream byte for byte. A last line without a
 * newline stays without.
 *
 * A stream cannot be read twice: after a crash its writer goes on behind `streamBytes` of `plumb device status` (or of the
 * last `captured` event), which counts the bytes that were kept.
 */
export function readLines(stream: Readable, description: string, blockBytes: number): Source {
  let isSilent = false;
  return {
    description,
    async run({ queue, clock, report }, _options, signal) {
      let isEmpty = true;
      let rest = new Uint8Array(0);
      const failed = new AbortController();
      const give = (blocks: CapturedBlock[], streamBytes: number): void => {
        queue.capture({ blocks, streamBytes }).catch((cause) => failed.abort(cause));
      };
      const takeLines = (bytes: Uint8Array, atEnd: boolean): void => {
        let blocks: CapturedBlock[] = [];
        let size = 0;
        const stamp = clock.stamp();
        for (const content of cutLines(bytes, blockBytes, atEnd)) {
          blocks.push({ content, meta: stamp });
          size += content.length;
          if (size < ENTRY_BYTES) continue;
          give(blocks, size);
          blocks = [];
          size = 0;
        }
        if (blocks.length > 0) give(blocks, size);
      };
      const stop = (): void => void stream.destroy();
      signal.addEventListener('abort', stop);
      try {
        for await (const chunk of stream) {
          isEmpty = false;
          const bytes = Buffer.concat([rest, chunk as Uint8Array]);
          const end = wholeEnd(bytes, blockBytes);
          takeLines(bytes.subarray(0, end), false);
          rest = new Uint8Array(bytes.subarray(end));
          await queue.room();
          failed.signal.throwIfAborted();
          if (signal.aborted) break;
        }
      } catch (cause) {
        // Destroying the stream ends the loop with an error of its own.
        if (!signal.aborted) throw cause;
      } finally {
        signal.removeEventListener('abort', stop);
      }
      // Also when stopped in the middle of a line: it was read, so it is kept.
      takeLines(rest, true);
      if (signal.aborted) return;
      await queue.settled();
      isSilent = isEmpty;
      if (isSilent) report({ event: 'skipped', what: description, reason: SILENT });
    },
    failure: () => (isSilent ? new FileError(`Nothing was captured from ${description}. ${SILENT}`) : null),
  };
}

const SILENT = 'It ended without a byte. Check the program that writes to it.';

/** Where the last complete line (or full block of an endless one) ends. */
function wholeEnd(bytes: Uint8Array, blockBytes: number): number {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  return end + Math.floor((bytes.length - end) / blockBytes) * blockBytes;
}

function* cutLines(bytes: Uint8Array, blockBytes: number, atEnd: boolean): Generator<Uint8Array> {
  let at = 0;
  while (at < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, at);
    const lineEnd = newline < 0 ? bytes.length : newline + 1;
    const end = Math.min(lineEnd, at + blockBytes);
    if (newline < 0 && end - at < blockBytes && !atEnd) return;
    yield bytes.subarray(at, end);
    at = end;
  }
}
