import { concatBytes } from '../../../core/bytes.ts';
import type { OpenFile } from '../../../core/ports/directories.ts';
import type { Primitives } from '../../../core/ports/primitives.ts';

/** Hash of no part. */
export const NO_CONTENT = new Uint8Array(0);

/**
 * Hash of a file's first parts, by that of the parts before: SHA-256(before ‖ SHA-256(part)). Unlike a running hash it is
 * kept from one commit to the next, so that a large file is read once, whatever interrupts it.
 */
export function addPart(primitives: Pick<Primitives, 'sha256'>, before: Uint8Array, part: Uint8Array): Uint8Array {
  return primitives.sha256(concatBytes(before, primitives.sha256(part)));
}

/** Hash of a file's first `sizeBytes`, cut into parts; null when it ends before. */
export async function hashContent(
  primitives: Pick<Primitives, 'sha256'>,
  opened: OpenFile,
  sizeBytes: number,
  partBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  let hash: Uint8Array = NO_CONTENT;
  for (let at = 0; at < sizeBytes && !signal.aborted; at += partBytes) {
    const wanted = Math.min(partBytes, sizeBytes - at);
    const part = await opened.read(at, wanted);
    if (part.length !== wanted) return null;
    hash = addPart(primitives, hash, part);
  }
  return signal.aborted ? null : hash;
}
