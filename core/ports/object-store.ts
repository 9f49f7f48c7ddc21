/** A request that its holder can send as it is, until it expires. */
export interface PresignedRequest {
  readonly method: 'PUT' | 'GET';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
}

/** Where segments lie. Methods throw StoreUnavailableError when it cannot be reached within their time. */
export interface ObjectStore {
  /** Bytes start … end - 1, fewer when the object ends before, or null when there is no such object. */
  read(key: string, range: { start: number; end: number }, signal?: AbortSignal): Promise<Uint8Array | null>;
  /** The same bytes piece by piece. */
  stream(
    key: string,
    range: { start: number; end: number },
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | null>;
  /** Size in bytes, or null when there is no such object. */
  size(key: string, signal?: AbortSignal): Promise<number | null>;
  /** A write-once PUT bound by signed headers to key, length and SHA-256. */
  presignPut(
    object: { key: string; sizeBytes: number; sha256: Uint8Array },
    expiresSeconds: number,
  ): Promise<PresignedRequest>;
  presignGet(key: string, expiresSeconds: number): Promise<PresignedRequest>;
}

/** A bucket that can be listed. Throws like ObjectStore. */
export interface ObjectLister {
  /**
   * Keys that begin so, in order of their bytes, those behind `after` where that is given. They are asked for a page at a time,
   * as they are taken.
   */
  list(prefix: string, signal?: AbortSignal, after?: string): AsyncIterable<string>;
}

/** A key of a bucket, and when its object was stored by the store's clock, ms since 1970. */
export interface DatedKey {
  readonly key: string;
  readonly storedAtMs: number;
}

/** A bucket that can be listed with the ages of its objects. Throws like ObjectStore. */
export interface DatedLister extends ObjectLister {
  /** As `list` does. */
  listDated(prefix: string, signal?: AbortSignal, after?: string): AsyncIterable<DatedKey>;
}

/** What puts objects of the service's own beside the segments. Throws like ObjectStore. */
export interface ObjectWriter {
  /** Writes an object once: false when there is one of that key, which stays as it is. */
  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean>;
}

/** What takes objects out of the way. Throws like ObjectStore. */
export interface ObjectRemover {
  /** Removes an object; removing what is not there is no fault. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
}
