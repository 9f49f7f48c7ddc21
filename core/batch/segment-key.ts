import { toHex } from '../bytes.ts';
import type { DatasetId } from '../ids.ts';
import { MAX_LOG_BLOCKS } from '../limits.ts';

/**
 * `<dataset>/<first>/<sha256 of the CAR>.car`: dataset and SHA-256 in lower-case hex without 0x, first in decimal, 16 digits.
 * Content-addressed, so a repeated PUT is harmless and two rival segments can both exist.
 */
export function segmentKey(dataset: DatasetId, first: number, sha256: Uint8Array): string {
  return `${dataset.slice(2)}/${String(first).padStart(16, '0')}/${toHex(sha256)}.car`;
}

/** What a segment's key says, or null when it is not one. */
export function parseSegmentKey(
  key: string,
): { readonly dataset: DatasetId; readonly first: number; readonly sha256Hex: string } | null {
  const match = /^([0-9a-f]{64})\/([0-9]{16})\/([0-9a-f]{64})\.car$/.exec(key);
  const [, dataset, digits, sha256Hex] = match ?? [];
  if (dataset === undefined || digits === undefined || sha256Hex === undefined) return null;
  const first = Number(digits);
  return first < MAX_LOG_BLOCKS ? { dataset: `0x${dataset}` as DatasetId, first, sha256Hex } : null;
}
