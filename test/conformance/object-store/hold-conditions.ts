import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { type Bench, BODY, md5 } from './bench.ts';
import { sendWire, signCommand } from './signed-request.ts';

export function holdConditions(bench: Bench): void {
  describe('conditions', () => {
    it('reads under If-Match and If-None-Match', async () => {
      const key = bench.newKey();
      const { ETag } = await bench.put(key);
      const other = `"${md5(Buffer.from('other'))}"`;
      assert.equal((await bench.get(key, { IfMatch: ETag })).ContentLength, BODY.length);
      assert.equal((await bench.get(key, { IfNoneMatch: other })).ContentLength, BODY.length);
      await assert.rejects(bench.get(key, { IfMatch: other }), { name: 'PreconditionFailed' });
      const wire = await signCommand(
        bench.store,
        new GetObjectCommand({ Bucket: bench.store.bucket, Key: key, IfNoneMatch: ETag }),
      );
      const answer = await sendWire(bench.store, wire);
      assert.deepEqual([answer.status, answer.body.length], [304, 0]);
    });

    it('writes once under If-None-Match: *', async () => {
      const key = bench.newKey();
      await bench.put(key, { IfNoneMatch: '*' });
      await assert.rejects(bench.put(key, { IfNoneMatch: '*', Body: 'rival' }), { name: 'PreconditionFailed' });
      assert.deepEqual(await bench.read(key), BODY);
      await bench.client.send(new DeleteObjectCommand({ Bucket: bench.store.bucket, Key: key }));
      await bench.put(key, { IfNoneMatch: '*', Body: 'again' });
    });

    it('lets one of 16 racing writers win, ten times over', async () => {
      for (let round = 0; round < 10; round++) {
        const key = bench.newKey();
        const bodies = Array.from({ length: 16 }, () => randomBytes(20_000));
        const results = await Promise.allSettled(bodies.map((Body) => bench.put(key, { Body, IfNoneMatch: '*' })));
        const winners = bodies.filter((_, at) => results[at]!.status === 'fulfilled');
        assert.equal(winners.length, 1);
        for (const result of results) {
          if (result.status === 'rejected')
            assert.ok([409, 412].includes(result.reason.$metadata?.httpStatusCode), result.reason);
        }
        assert.ok((await bench.read(key)).equals(winners[0]!));
      }
    });

    it('shows every reader one whole object while 8 writers overwrite it', async () => {
      const key = bench.newKey();
      const bodies = Array.from({ length: 8 }, (_, at) => Buffer.alloc(300_000, at + 1));
      await bench.put(key, { Body: bodies[0]! });
      const writing = Promise.all(bodies.map((Body) => bench.put(key, { Body })));
      for (let reader = 0; reader < 20; reader++) {
        const found = await bench.get(key);
        const bytes = Buffer.from(await found.Body!.transformToByteArray());
        assert.ok(bodies.some((body) => body.equals(bytes)));
        assert.equal(found.ETag, `"${md5(bytes)}"`);
      }
      await writing;
    });
  });
}
