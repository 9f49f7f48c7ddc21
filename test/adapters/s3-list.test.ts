import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { StoreUnavailableError } from '../../core/errors.ts';

async function keysOf(list: AsyncIterable<string>): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of list) keys.push(key);
  return keys;
}

const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };

it('a bucket is listed to its last page', async () => {
  const mock = mockClient(S3Client);
  const page = (token: string | undefined) => ({ Bucket: 'segments', Prefix: 'ab/', ContinuationToken: token });
  mock
    .on(ListObjectsV2Command, page(undefined))
    .resolves({ Contents: [{ Key: 'ab/1' }, { Key: 'ab/2' }], IsTruncated: true, NextContinuationToken: 't' });
  mock.on(ListObjectsV2Command, page('t')).resolves({ IsTruncated: true, NextContinuationToken: 'u' });
  mock.on(ListObjectsV2Command, page('u')).resolves({ Contents: [{ Key: 'ab/3' }, {}], IsTruncated: false });
  const store = createS3ObjectStore({ region: 'us-east-1', bucket: 'segments', endpoint: null, credentials });
  try {
    assert.deepEqual(await keysOf(store.list('ab/')), ['ab/1', 'ab/2', 'ab/3']);
    mock.on(ListObjectsV2Command, page('t')).rejects(new Error('broken'));
    await assert.rejects(keysOf(store.list('ab/')), StoreUnavailableError);
  } finally {
    store.close();
    mock.restore();
  }
});
