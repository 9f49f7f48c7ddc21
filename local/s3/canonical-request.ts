/** A header list as it came off the wire, lower-cased; values are latin-1 strings, one character a byte. */
export type HeaderMap = ReadonlyMap<string, string>;
export type QueryMap = ReadonlyMap<string, string>;

export interface RequestTarget {
  /** As sent, up to the question mark. */
  readonly rawPath: string;
  /** Percent-decoded bytes of the path. */
  readonly pathBytes: Buffer;
  readonly query: QueryMap;
}

/** The request cannot be read in one way only, or not at all. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';
}

/**
 * Parses the target of a request line. Anything that two readers could read differently is refused: a relative or absolute
 * form, a fragment, a raw byte outside the URI alphabet, a stray percent sign, a plus sign in the query (space to some), a
 * parameter given twice.
 *
 * @throws {MalformedRequest}
 */
export function parseTarget(target: string): RequestTarget {
  if (!target.startsWith('/')) throw new MalformedRequest('The request target does not start with a slash.');
  if (!/^[\x21-\x7e]*$/.test(target) || /[#"<>\\^`{|}]/.test(target)) {
    throw new MalformedRequest('The request target holds a character that must be percent-encoded.');
  }
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const query = new Map<string, string>();
  for (const pair of mark < 0 ? [] : target.slice(mark + 1).split('&')) {
    if (pair === '') continue;
    if (pair.includes('+')) throw new MalformedRequest('The query holds a plus sign; write %2B or %20.');
    const equals = pair.indexOf('=');
    const name = decodeText(equals < 0 ? pair : pair.slice(0, equals));
    if (query.has(name)) throw new MalformedRequest('The query holds a parameter twice.');
    query.set(name, equals < 0 ? '' : decodeText(pair.slice(equals + 1)));
  }
  return { rawPath, pathBytes: percentDecode(rawPath), query };
}

/**
 * Turns node's flat list of raw headers into a map.
 *
 * @throws {MalformedRequest} when a header comes twice: readers differ about which one counts.
 */
export function parseHeaders(rawHeaders: readonly string[]): HeaderMap {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (headers.has(name)) throw new MalformedRequest('A header was sent twice; send each header once.');
    headers.set(name, rawHeaders[at + 1]!.trim());
  }
  return headers;
}

/** The canonical request of AWS Signature Version 4, before hashing. */
export function canonicalRequest(parts: {
  method: string;
  /** Already in canonical form, see {@link canonicalPath}. */
  path: string;
  query: QueryMap;
  headers: HeaderMap;
  signedHeaders: readonly string[];
  payloadHash: string;
}): Buffer {
  const query = [...parts.query]
    .map(([name, value]) => [uriEncode(Buffer.from(name)), uriEncode(Buffer.from(value))] as const)
    .sort(([a, x], [b, y]) => compareAscii(a, b) || compareAscii(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = parts.signedHeaders.map(
    (name) => `${name}:${(parts.headers.get(name) ?? '').replace(/\s+/g, ' ')}\n`,
  );
  const text = [
    parts.method,
    parts.path,
    query,
    headers.join(''),
    parts.signedHeaders.join(';'),
    parts.payloadHash,
  ].join('\n');
  return Buffer.from(text, 'latin1');
}

/** S3 signs the path encoded once; every other service signs the path as sent, encoded once more. */
export function canonicalPath(service: string, target: RequestTarget): string {
  return uriEncode(service === 's3' ? target.pathBytes : Buffer.from(target.rawPath), '/');
}

/** RFC 3986 percent-encoding of every byte but the unreserved ones, and those in `keep`. */
export function uriEncode(bytes: Uint8Array, keep = ''): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text +=
      /[A-Za-z0-9\-._~]/.test(character) || keep.includes(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function decodeText(text: string): string {
  return utf8Text(percentDecode(text));
}

/** @throws {MalformedRequest} when the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MalformedRequest('The request target is not UTF-8.');
  }
}

function percentDecode(text: string): Buffer {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new MalformedRequest('A percent sign is not followed by two hex digits.');
  const binary = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(binary, 'latin1');
}

function compareAscii(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
