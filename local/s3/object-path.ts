import { join } from 'node:path';
import { MalformedRequest, utf8Text } from './canonical-request.ts';
import { S3Error } from './s3-error.ts';

export const MAX_KEY_BYTES = 1024;
/** A file name may be 255 bytes long; this leaves room for the marks below. */
const PIECE_CHARACTERS = 200;
export const DATA_MARK = '@data';
const META_MARK = '@meta';
export const CONTINUED_MARK = '@';
const EMPTY_SEGMENT = '%';

/**
 * The plain file that holds an object's bytes, `<dataDir>/buckets/<bucket>/<path of the key>@data`; beside it `…@meta` holds
 * what S3 remembers about it. The key is split at slashes; in each segment the bytes `A-Z a-z 0-9 - _ .` stand for themselves
 * and any other is written %XX, as is a dot that would begin a file name. An empty segment is `%`. A segment over 200 characters is cut into pieces,
 * all but the last being folders that end in `@`. As neither `@` nor a lone `%` can come out of the encoding, two keys never
 * share a path, no key is both a file and a folder, and no path leaves its bucket.
 *
 * @throws {S3Error} InvalidBucketName, KeyTooLongError or InvalidURI.
 * @example objectPath('/d', 'blocks', 'ab/0000000000000000/cd.car') // '/d/buckets/blocks/ab/0000000000000000/cd.car@data'
 */
export function objectPath(dataDir: string, bucket: string, key: string): string {
  return join(bucketPath(dataDir, bucket), ...keyPath(key)) + DATA_MARK;
}

export function metaPath(dataPath: string): string {
  return dataPath.slice(0, -DATA_MARK.length) + META_MARK;
}

export function bucketPath(dataDir: string, bucket: string): string {
  return join(dataDir, 'buckets', checkBucket(bucket));
}

/** @throws {S3Error} when the name could not be a bucket's (and so could not be a harmless folder name either). */
export function checkBucket(bucket: string): string {
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new S3Error('InvalidBucketName', 400, 'A bucket name has 3 to 63 of the characters a-z, 0-9 and hyphen.');
  }
  return bucket;
}

/** @throws {S3Error} when the bytes are not a key this store keeps. */
export function checkKey(bytes: Uint8Array): string {
  if (bytes.length > MAX_KEY_BYTES) {
    throw new S3Error(
      'KeyTooLongError',
      400,
      `The key has ${bytes.length} bytes; at most ${MAX_KEY_BYTES} are allowed.`,
    );
  }
  const invalid = (why: string) => new S3Error('InvalidURI', 400, `The key ${why}. Choose another key.`);
  if (bytes.length === 0) throw invalid('is empty');
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) throw invalid('holds a control character');
  let key: string;
  try {
    key = utf8Text(bytes);
  } catch (error) {
    if (error instanceof MalformedRequest) throw invalid('is not UTF-8');
    throw error;
  }
  if (/[\ufffe\uffff]/.test(key)) throw invalid('holds a character that XML cannot express');
  // The mapping would keep these inside, but other programs between the caller and us would not.
  if (key.split('/').some((segment) => segment === '.' || segment === '..')) throw invalid('has a segment "." or ".."');
  return key;
}

function keyPath(key: string): string[] {
  if (!key.isWellFormed()) throw new S3Error('InvalidURI', 400, 'The key is not well-formed Unicode.');
  return checkKey(Buffer.from(key)).split('/').flatMap(segmentPath);
}

function segmentPath(segment: string): string[] {
  const encoded = segment === '' ? EMPTY_SEGMENT : encodeSegment(segment);
  const pieces: string[] = [];
  for (let at = 0; at < encoded.length; at += PIECE_CHARACTERS) pieces.push(encoded.slice(at, at + PIECE_CHARACTERS));
  return pieces.map((piece, at) => (at < pieces.length - 1 ? piece + CONTINUED_MARK : piece));
}

function encodeSegment(segment: string): string {
  let text = '';
  for (const byte of Buffer.from(segment)) {
    const plain =
      byte === 0x2e ? text.length % PIECE_CHARACTERS !== 0 : /[A-Za-z0-9\-_]/.test(String.fromCharCode(byte));
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** The inverse for one whole segment, its pieces joined; null for a name that {@link objectPath} never makes. */
export function decodeSegment(encoded: string): string | null {
  if (encoded === EMPTY_SEGMENT) return '';
  if (!/^(?:[A-Za-z0-9\-_.]|%[0-9A-F]{2})+$/.test(encoded)) return null;
  try {
    const segment = decodeURIComponent(encoded);
    return encodeSegment(segment) === encoded ? segment : null;
  } catch {
    return null;
  }
}
