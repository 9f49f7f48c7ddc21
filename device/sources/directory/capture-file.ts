import type { CapturedBlock } from '../../../core/batch/seal-batch.ts';
import type { OpenFile } from '../../../core/ports/directories.ts';
import type { CaptureEntry } from '../../outbox/append-blocks.ts';
import type { SourceParts } from '../source.ts';
import { addPart, hashContent, NO_CONTENT } from './hash-content.ts';
import { metaOfFile } from './meta-of-file.ts';
import { identityOf, type SeenFile } from './seen-file.ts';

// Files up to this size are kept in one commit: whole or not at all.
const ONE_COMMIT_BYTES = 8 * 2 ** 20;

/** What of a file is captured already: its first parts, with their hash. */
export interface CapturedPart {
  readonly parts: number;
  readonly hash: Uint8Array;
}

export const NOTHING_CAPTURED: CapturedPart = { parts: 0, hash: NO_CONTENT };

/**
 * Gives a complete file to the queue, from what is captured of it on.
 * @returns whether all of it was given: not when it changed meanwhile, or when aborted
 */
export async function captureFile(
  parts: Pick<SourceParts, 'queue' | 'clock' | 'isInLog' | 'primitives'>,
  file: SeenFile,
  opened: OpenFile,
  options: { readonly blockBytes: number; readonly captured: CapturedPart },
  signal: AbortSignal,
): Promise<boolean> {
  const { captured, blockBytes } = options;
  const { primitives } = parts;
  const partCount = countParts(file, blockBytes);
  const read = (part: number) => readPart(opened, part, file.sizeBytes, blockBytes);
  const note = (capturedParts: number, contentHash: Uint8Array) => ({
    ...{
      path: file.path,
      identity: file.identity,
      parts: partCount,
      capturedParts,
      partBytes: blockBytes,
      contentHash,
    },
  });
  if (await parts.isInLog({ name: file.path, parts: partCount, fromPart: captured.parts }, read)) {
    const hash = await hashContent(primitives, opened, file.sizeBytes, blockBytes, signal);
    if (hash === null) return false;
    await parts.queue.capture({ blocks: [], file: note(partCount, hash) });
    return true;
  }
  let { hash } = captured;
  for (let part = captured.parts; part < partCount; ) {
    if (signal.aborted) return false;
    const blocks: CapturedBlock[] = [];
    let bytes = 0;
    while (part < partCount && bytes < ONE_COMMIT_BYTES) {
      const content = await read(part);
      if (content === null) return false;
      hash = addPart(primitives, hash, content);
      const place = partCount === 1 ? {} : { part, parts: partCount };
      blocks.push({ content, meta: metaOfFile(parts.clock.stamp(), file.path, file.changedNs, place) });
      part++;
      bytes += content.length;
    }
    // Had it changed while it was read, the parts would not belong together.
    if (identityOf(await opened.state()) !== file.identity) return false;
    const entry: CaptureEntry = { blocks, file: note(part, hash) };
    const durable = parts.queue.capture(entry);
    // A large file would fill the memory; small ones may share a commit.
    if (partCount > blocks.length) await durable;
    else durable.catch(() => {});
    await parts.queue.room();
  }
  return true;
}

export function countParts({ sizeBytes }: Pick<SeenFile, 'sizeBytes'>, blockBytes: number): number {
  return Math.ceil(sizeBytes / blockBytes);
}

/** Part of a file, or null when the file ends before. */
async function readPart(
  opened: OpenFile,
  part: number,
  sizeBytes: number,
  blockBytes: number,
): Promise<Uint8Array | null> {
  const from = part * blockBytes;
  const wanted = Math.min(blockBytes, sizeBytes - from);
  const content = await opened.read(from, wanted);
  return content.length === wanted ? content : null;
}
