import { equalBytes } from '../../../core/bytes.ts';
import type { OpenFile } from '../../../core/ports/directories.ts';
import { isContinued } from './capture-growth.ts';
import { type GrowingFile, growingNamedLike } from './growing-files.ts';
import type { SeenFile } from './seen-file.ts';
import type { LookParts } from './take-file.ts';

const COMPARE_BYTES = 256 * 1024;

/**
 * The followed file that a new one is a copy of, as rotation by copying and truncating makes one: its name begins like the
 * original's, and it begins with what was captured of that. It waits until the copy rests. While the original is still
 * there, a copy is known only as far as it is captured from the original, so that nothing depends on which of the two is
 * read first.
 * @returns the original, with the position up to which the copy is captured; null when it is no copy
 */
export async function findOriginal(
  look: LookParts,
  file: SeenFile,
  opened: OpenFile,
): Promise<GrowingFile | 'wait' | null> {
  for (const one of growingNamedLike(look.outbox, file.path)) {
    if (file.sizeBytes < one.headBytes) continue;
    const head = { ...one, position: one.headBytes, tailBytes: 0 };
    if (!(await isContinued(look.primitives, head, file, opened))) continue;
    if (!look.awaited.hasRested(file)) return 'wait';
    const live = await openLive(look, one);
    if (live === null) {
      if (await isContinued(look.primitives, one, file, opened)) return one;
      continue;
    }
    try {
      if (!(await beginsWith(live, opened, file.sizeBytes))) continue;
      // The original is captured that far before the next look; until then it may be truncated, and this alone has the rest.
      if (one.position < file.sizeBytes) return 'wait';
      // Whatever is written to it from here on is its own.
      return { ...one, name: file.path, position: file.sizeBytes, tailBytes: 0 };
    } finally {
      await live.close();
    }
  }
  return null;
}

/** The original, when it is still there and was not truncated; null otherwise. */
async function openLive({ directories, directory }: LookParts, one: GrowingFile): Promise<OpenFile | null> {
  if (one.path === null) return null;
  const path = `${directory}/${one.path}`;
  const state = await directories.stateOf(path);
  if (state?.kind !== 'file' || String(state.inode) !== one.inode || state.sizeBytes < one.position) return null;
  return directories.open(path);
}

async function beginsWith(original: OpenFile, copy: OpenFile, sizeBytes: number): Promise<boolean> {
  for (let at = 0; at < sizeBytes; at += COMPARE_BYTES) {
    const wanted = Math.min(COMPARE_BYTES, sizeBytes - at);
    const [a, b] = [await original.read(at, wanted), await copy.read(at, wanted)];
    if (a.length < wanted || !equalBytes(a, b)) return false;
  }
  return true;
}
