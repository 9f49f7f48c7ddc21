import { S3Error } from './s3-error.ts';

/** Both ends count, as in HTTP. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * One byte range over an object (RFC 9110 §14), or null when the whole object is to be sent: without a range, and, as S3 does,
 * for one that is malformed or in several parts.
 *
 * @throws {S3Error} InvalidRange (416) when the range begins behind the end.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const unsatisfiable = () => new S3Error('InvalidRange', 416, 'The requested range is not satisfiable.');
  if (match[1] === '') {
    const suffix = Number(match[2]);
    if (suffix === 0 || sizeBytes === 0) throw unsatisfiable();
    return { first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 };
  }
  const first = Number(match[1]);
  const last = match[2] === '' ? Number.MAX_SAFE_INTEGER : Number(match[2]);
  if (last < first) return null;
  if (first >= sizeBytes) throw unsatisfiable();
  return { first, last: Math.min(last, sizeBytes - 1) };
}
