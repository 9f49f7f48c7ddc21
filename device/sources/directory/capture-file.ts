import type { CapturedBlock } from '../../../core/batch/seal-batch.ts';
import type { BlockMeta } from '../../../core/block/meta.ts';
import type { OpenFile } from '../../../core/ports/directories.ts';
import { requireSealable } from '../../log/stamp-blocks.ts';
import type { CaptureEntry } from '../../outbox/append-blocks.ts';
import { mediaType } from '../media-type.ts';
import type { SourceParts } from '../source.ts';
import { identityOf, type SeenFile } from './list-files.ts';

// Files up to this size are kept in one commit: whole or not at all.
const ONE_COMMIT_BYTES = 8 * 2 ** 20;

/**
 * Gives a complete file to the queue, from one part on.
 * @returns whether all of it was given: not when it changed meanwhile, or when aborted
 */
export async function captureFile(
  parts: Pick<SourceParts, 'queue' | 'clock' | 'isInLog'>,
  file: SeenFile,
  opened: OpenFile,
  options: { readonly blockBytes: number; readonly fromPart: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { fromPart, blockBytes } = options;
  const partCount = partsOf(file, blockBytes);
  const read = (part: number) => readPart(opened, part, file.sizeBytes, blockBytes);
  const note = (capturedParts: number) => ({
    ...{ path: file.path, identity: file.identity, parts: partCount, capturedParts },
  });
  if (await parts.isInLog({ name: file.path, parts: partCount, fromPart }, read)) {
    await parts.queue.capture({ blocks: [], file: note(partCount) });
    return true;
  }
  for (let part = fromPart; part < partCount; ) {
    if (signal.aborted) return false;
    const blocks: CapturedBlock[] = [];
    let bytes = 0;
    while (part < partCount && bytes < ONE_COMMIT_BYTES) {
      const content = await read(part);
      if (content === null) return false;
      blocks.push({ content, meta: metaOf(parts, file, part++, partCount) });
      bytes += content.length;
    }
    // Had it changed while it was read, the parts would not belong together.
    if (identityOf(await opened.state()) !== file.identity) return false;
    const entry: CaptureEntry = { blocks, file: note(part) };
    const durable = parts.queue.capture(entry);
    // A large file would fill the memory; small ones may share a commit.
    if (partCount > blocks.length) await durable;
    else durable.catch(() => {});
    await parts.queue.room();
  }
  return true;
}

/** Whether a block can say which part of which file it is. */
export function isNameable(parts: Pick<SourceParts, 'clock'>, file: SeenFile, blockBytes: number): boolean {
  const partCount = partsOf(file, blockBytes);
  try {
    requireSealable(metaOf(parts, file, partCount - 1, partCount));
    return true;
  } catch {
    return false;
  }
}

function partsOf(file: SeenFile, blockBytes: number): number {
  return Math.ceil(file.sizeBytes / blockBytes);
}

function metaOf({ clock }: Pick<SourceParts, 'clock'>, file: SeenFile, part: number, partCount: number): BlockMeta {
  const type = mediaType(file.path);
  return {
    ...clock.stamp(),
    name: file.path,
    ...(type === null ? {} : { type }),
    ...(partCount === 1 ? {} : { part, parts: partCount }),
  };
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
