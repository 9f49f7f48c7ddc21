/** An object store that the suite starts, kills and stops. */
export interface ObjectStoreTarget {
  readonly name: string;
  readonly behaviour: ObjectStoreBehaviour;
  start(): Promise<RunningObjectStore>;
}

/**
 * Where stores that are all good enough for us differ. The suite asserts what is said here, both ways: a flag that is wrong
 * fails.
 */
export interface ObjectStoreBehaviour {
  /** Refuses a header signature that leaves the body open (UNSIGNED-PAYLOAD) without a signed checksum. S3 takes it. */
  readonly refusesUnsignedPayload: boolean;
  /** Refuses a Host that is not its own even when the holder of the key signed it. */
  readonly refusesForeignHost: boolean;
  /** Refuses a signed request that a page of another origin sent. */
  readonly refusesForeignOrigin: boolean;
  /** Refuses a presigned PUT whose checksum was hoisted into the query; others take it and ignore the checksum. */
  readonly refusesHoistedChecksum: boolean;
  /** Refuses a presigned URL whose date lies more than the skew ahead. */
  readonly refusesFuturePresigned: boolean;
  /** Answers a key with a NUL with a 4xx; others with a 500. */
  readonly explainsNul: boolean;
  /** Keeps keys with empty segments (`/a`, `a//b`) apart from those without. */
  readonly keepsEmptySegments: boolean;
}

export interface RunningObjectStore {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  /** Folder that holds everything the store may touch, in a folder of the test's own. */
  readonly dataDir: string;
  /** kill -9, and starts again on the same data and endpoint. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}
