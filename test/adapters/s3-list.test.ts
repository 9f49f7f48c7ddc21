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

it('a listing goes on behind a key, and asks for no page that nobody takes', async () => {
  const mock = mockClient(S3Client);
  const asked = { Bucket: 'segments', Prefix: '', StartAfter: 'ab/2' };
  mock
    .on(ListObjectsV2Command, asked)
    .resolves({ Contents: [{ Key: 'ab/3' }, { Key: 'ab/4' }], IsTruncated: true, NextContinuationToken: 't' });
  mock.on(ListObjectsV2Command, { ...asked, ContinuationToken: 't' }).resolves({ Contents: [{ Key: 'ab/5' }] });
  const store = createS3ObjectStore({ region: 'us-east-1', bucket: 'segments', endpoint: null, credentials });
  try {
    for await (const key of store.list('', undefined, 'ab/2')) {
      assert.equal(key, 'ab/3');
      break;
    }
    assert.equal(mock.commandCalls(ListObjectsV2Command).length, 1);
    assert.deepEqual(await keysOf(store.list('', undefined, 'ab/2')), ['ab/3', 'ab/4', 'ab/5']);
  } finally {
    store.close();
    mock.restore();
  }
});
