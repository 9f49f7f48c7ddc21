/** One record of an AWS S3 event notification, version 2.1; AWS delivers them as `{Records: [record]}`. */
export interface S3ObjectEvent {
  eventVersion: '2.1';
  eventSource: 'aws:s3';
  awsRegion: string;
  /** ISO 8601 with milliseconds. */
  eventTime: string;
  eventName: 'ObjectCreated:Put' | 'ObjectRemoved:Delete';
  userIdentity: { principalId: string };
  requestParameters: { sourceIPAddress: string };
  responseElements: { 'x-amz-request-id': string; 'x-amz-id-2': string };
  s3: {
    s3SchemaVersion: '1.0';
    configurationId: string;
    bucket: { name: string; ownerIdentity: { principalId: string }; arn: string };
    object: {
      /** Form-encoded: a space is a plus sign, slashes stand. */
      key: string;
      /** Bytes; absent when removed. */
      size?: number;
      eTag?: string;
      /** Hex; of two events of one key the later has the greater, padded to equal length. */
      sequencer: string;
    };
  };
}

export function makeEvent(what: {
  eventName: S3ObjectEvent['eventName'];
  region: string;
  atMs: number;
  requestId: string;
  accessKey: string;
  bucket: string;
  key: string;
  stored?: { sizeBytes: number; etag: string };
  sequencer: string;
}): S3ObjectEvent {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: what.region,
    eventTime: new Date(what.atMs).toISOString(),
    eventName: what.eventName,
    userIdentity: { principalId: `AWS:${what.accessKey}` },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: { 'x-amz-request-id': what.requestId, 'x-amz-id-2': what.requestId },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'plumbline',
      bucket: {
        name: what.bucket,
        ownerIdentity: { principalId: what.accessKey },
        arn: `arn:aws:s3:::${what.bucket}`,
      },
      object: {
        key: eventKey(what.key),
        ...(what.stored === undefined ? {} : { size: what.stored.sizeBytes, eTag: what.stored.etag }),
        sequencer: what.sequencer,
      },
    },
  };
}

/** `application/x-www-form-urlencoded`, slashes left standing. Undo: plus signs to spaces, then decodeURIComponent. */
function eventKey(key: string): string {
  return new URLSearchParams({ k: key }).toString().slice(2).replaceAll('%2F', '/');
}
