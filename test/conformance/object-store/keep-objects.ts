import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { type Bench, BODY, md5 } from './bench.ts';

export function keepObjects(bench: Bench): void {
  describe('objects', () => {
    it('gives back bytes, length, type, metadata and an entity tag', async () => {
      const key = bench.newKey();
      const stored = await bench.put(key, { ContentType: 'application/vnd.ipld.car', Metadata: { dataset: 'ab' } });
      const found = await bench.get(key);
      assert.deepEqual(Buffer.from(await found.Body!.transformToByteArray()), BODY);
      assert.equal(found.ContentLength, BODY.length);
      assert.equal(found.ContentType, 'application/vnd.ipld.car');
      assert.deepEqual(found.Metadata, { dataset: 'ab' });
      assert.equal(found.ETag, `"${md5(BODY)}"`);
      assert.equal(found.ETag, stored.ETag);
      const head = await bench.client.send(new HeadObjectCommand({ Bucket: bench.store.bucket, Key: key }));
      assert.equal(head.ContentLength, BODY.length);
      assert.equal(head.ETag, stored.ETag);
    });

    it('keeps an empty object and one of 5 MiB', async () => {
      for (const body of [Buffer.alloc(0), randomBytes(5 * 1024 * 1024)]) {
        const key = bench.newKey();
        await bench.put(key, { Body: body });
        assert.ok((await bench.read(key)).equals(body));
      }
    });

    it('keeps keys with spaces, other scripts and reserved characters', async () => {
      for (const name of ['a b', 'ü€😀', "!*'()&=+,;:@$", '~.-_', 'a%2Fb', '%', '[x]?#', '"<>|\\^`{}']) {
        const key = `${bench.newKey()}/${name}`;
        await bench.put(key);
        assert.deepEqual(await bench.read(key), BODY, name);
        const listed = await bench.client.send(new ListObjectsV2Command({ Bucket: bench.store.bucket, Prefix: key }));
        assert.deepEqual(
          listed.Contents?.map((entry) => entry.Key),
          [key],
        );
      }
    });

    it('overwrites, deletes, and deletes what is not there', async () => {
      const key = bench.newKey();
      await bench.put(key);
      await bench.put(key, { Body: 'new' });
      assert.equal((await bench.read(key)).toString(), 'new');
      await bench.client.send(new DeleteObjectCommand({ Bucket: bench.store.bucket, Key: key }));
      await bench.assertAbsent(key);
      await bench.client.send(new DeleteObjectCommand({ Bucket: bench.store.bucket, Key: key }));
    });

    it('knows its bucket and no other', async () => {
      await bench.client.send(new HeadBucketCommand({ Bucket: bench.store.bucket }));
      await assert.rejects(bench.client.send(new HeadBucketCommand({ Bucket: 'no-such-bucket' })), {
        name: 'NotFound',
      });
      await assert.rejects(bench.client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'a' })), {
        name: 'NoSuchBucket',
      });
    });
  });
}
