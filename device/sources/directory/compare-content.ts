import { equalBytes } from '../../../core/bytes.ts';
import type { OpenFile } from '../../../core/ports/directories.ts';
import type { Primitives } from '../../../core/ports/primitives.ts';
import { hashContent } from './hash-content.ts';
import type { KnownFile } from './known-files.ts';

/** Whether a file holds, byte for byte, what was captured whole under a name. Size and times alone can be forged. */
export async function isContentOf(
  primitives: Pick<Primitives, 'sha256'>,
  known: KnownFile,
  opened: OpenFile,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (known.capturedParts !== known.parts || Math.ceil(sizeBytes / known.partBytes) !== known.parts) return false;
  const hash = await hashContent(primitives, opened, sizeBytes, known.partBytes, signal);
  return hash !== null && equalBytes(hash, known.contentHash);
}
