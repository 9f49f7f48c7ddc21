import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readListing } from '../../console/worker/bucket-reader.ts';
import { presignGet } from '../../console/worker/presign-bucket.ts';

test('a presigned GET is that of the published example (AWS, "Authenticating Requests: Using Query Parameters")', () => {
  // The example's bucket is a part of the host; ours, as local stores have it, of the path: so the host is named without one.
  const access = {
    endpoint: 'https://examplebucket.s3.amazonaws.com',
    bucket: '',
    region: 'us-east-1',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
  const url = new URL(presignGet(access, 'test.txt', {}, Date.UTC(2013, 4, 24), 86_400));
  assert.equal(
    url.searchParams.get('X-Amz-Signature'),
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
  assert.equal(url.href.includes(access.secretAccessKey), false);
});

test('a listing gives its keys as they are, and says whether more follow', () => {
  const xml =
    '<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a/1&amp;2.car</Key></Contents></ListBucketResult>';
  assert.deepEqual(readListing(xml), { keys: ['a/1&2.car'], isTruncated: true });
  assert.deepEqual(readListing('<Error/>'), { keys: [], isTruncated: false });
});
