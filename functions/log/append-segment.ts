import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { appendLeaves, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { recordHash } from '../../core/log/record.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { LogEntry } from '../state/entries.ts';
import { peaksAfter } from '../state/log-entry.ts';

/** A segment whose bytes and signature were verified when it was checked in. */
export interface CheckedSegment {
  readonly sha256Hex: string;
  readonly signer: string;
}

/** Where a log ends, and what its entries carry on. */
export type LogEnd = Pick<LogEntry, 'size' | 'peaks' | 'gaps'>;

/**
 * The entry that a segment makes behind `end`; null stands for the empty log.
 * @returns null when its records do not lead from there to the head that it was signed with
 */
export function appendSegment(
  hasher: Pick<Primitives, 'sha256'>,
  end: LogEnd | null,
  { sha256Hex, signer }: CheckedSegment,
  { first, head, signature, serial, blocks }: Manifest,
): LogEntry | null {
  const before: Peaks = peaksAfter(end);
  if (first !== before.size) return null;
  const leafHashes = blocks.map(({ record }) => recordHash(hasher, record));
  const { size, peaks } = appendLeaves(hasher, before, leafHashes);
  if (!equalBytes(rootOfPeaks(hasher, { peaks }), head.root)) return null;
  return {
    ...{ size, first, sha256Hex, signer, serial },
    root: head.root.slice(),
    peaks: concatBytes(...peaks),
    signature: signature.slice(),
    gaps: end?.gaps ?? 0,
  };
}
