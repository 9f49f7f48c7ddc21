import { equalBytes } from '../../../core/bytes.ts';
import type { OpenFile } from '../../../core/ports/directories.ts';
import type { Primitives } from '../../../core/ports/primitives.ts';
import { type GrowingFile, putGrowing } from './growing-files.ts';
import { metaOfFile } from './meta-of-file.ts';
import { identityOf, type SeenFile } from './seen-file.ts';
import type { LookParts } from './take-file.ts';

const NEWLINE = 0x0a;
/** So much of a file's beginning, and of its end as it was captured, tells it from others. */
const MARK_BYTES = 1024;

/**
 * Captures a file from its position to its end, a block a commit, and with each how far it is.
 * @returns whether that was all: not when a last line waits for its end, or when aborted
 */
export async function captureGrowth(
  look: LookParts,
  file: SeenFile,
  from: GrowingFile,
  opened: OpenFile,
  signal: AbortSignal,
): Promise<boolean> {
  const { outbox, queue, clock, runtime, awaited, blockBytes } = look;
  let growing = from;
  const note = (seen: string) => {
    const noted = { ...growing, seen };
    return () => putGrowing(outbox, noted, runtime.nowMs());
  };
  while (growing.position < file.sizeBytes) {
    if (signal.aborted) return false;
    const { position } = growing;
    const inLog = await look.pieceInLog({ name: growing.name, from: position }, (bytes) =>
      opened.read(position, bytes),
    );
    const wanted = Math.min(blockBytes, file.sizeBytes - position);
    const read = inLog > 0 ? null : await opened.read(position, wanted);
    const content = read === null ? null : wholeLines(read, wanted === blockBytes || awaited.hasRested(file));
    if (read !== null && read.length < wanted) break;
    const bytes = content?.length ?? inLog;
    const next = bytes === 0 ? null : await markAt(look.primitives, growing, position + bytes, opened);
    // Truncated meanwhile: what was read may not be what stood there.
    if (next === null || (await opened.state()).sizeBytes < next.position) break;
    growing = next;
    const isEnd = growing.position === file.sizeBytes && identityOf(await opened.state()) === file.identity;
    const meta = metaOfFile(clock.stamp(), growing.name, file.changedNs, { from: position });
    const blocks = content === null ? [] : [{ content, meta }];
    const durable = queue.capture({ blocks, beside: note(isEnd ? file.identity : '') });
    if (isEnd) durable.catch(() => {});
    else await durable;
    await queue.room();
    if (isEnd) return true;
  }
  if (growing.position < file.sizeBytes) {
    awaited.hasRested(file);
    return false;
  }
  // Nothing new, or all of it noted while somebody wrote on: the identity that was seen must be noted for the next look.
  await queue.settled();
  outbox.commit(note(file.identity));
  return true;
}

/** Whether a file has, at its beginning and before the position, what was captured there. */
export async function isContinued(
  primitives: Pick<Primitives, 'sha256'>,
  { position, headBytes, head, tailBytes, tail }: GrowingFile,
  { sizeBytes }: Pick<SeenFile, 'sizeBytes'>,
  opened: OpenFile,
): Promise<boolean> {
  if (sizeBytes < position) return false;
  const fits = async (at: number, bytes: number, hash: Uint8Array): Promise<boolean> =>
    bytes === 0 || equalBytes(primitives.sha256(await opened.read(at, bytes)), hash);
  return (await fits(0, headBytes, head)) && (await fits(position - tailBytes, tailBytes, tail));
}

/** The file as it is known once it is captured up to a position; null when it ends before. */
async function markAt(
  primitives: Pick<Primitives, 'sha256'>,
  growing: GrowingFile,
  position: number,
  opened: OpenFile,
): Promise<GrowingFile | null> {
  const markBytes = Math.min(MARK_BYTES, position);
  const tail = await opened.read(position - markBytes, markBytes);
  const head = growing.headBytes === markBytes ? null : await opened.read(0, markBytes);
  if (tail.length < markBytes || (head !== null && head.length < markBytes)) return null;
  return {
    ...growing,
    position,
    ...(head === null ? {} : { headBytes: markBytes, head: primitives.sha256(head) }),
    ...{ tailBytes: markBytes, tail: primitives.sha256(tail) },
  };
}

/** Up to the last line's end; all of it where no line ends in a full block, or where no more of the line is to come. */
function wholeLines(bytes: Uint8Array, takeAll: boolean): Uint8Array {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  return end === 0 && takeAll ? bytes : bytes.subarray(0, end);
}
