import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { type Bench, BODY } from './bench.ts';
import { sendWire, signCommand } from './signed-request.ts';

export function readRanges(bench: Bench): void {
  describe('ranges', () => {
    const cases: [string, number, string | null][] = [
      ['bytes=0-0', 206, '0-0'],
      ['bytes=0-24', 206, '0-24'],
      ['bytes=0-', 206, '0-24'],
      ['bytes=24-', 206, '24-24'],
      ['bytes=24-24', 206, '24-24'],
      ['bytes=3-1000', 206, '3-24'],
      ['bytes=-1', 206, '24-24'],
      ['bytes=-25', 206, '0-24'],
      ['bytes=-1000', 206, '0-24'],
      ['bytes=25-', 416, null],
      ['bytes=25-30', 416, null],
      ['bytes=-0', 416, null],
    ];
    for (const [range, status, expected] of cases) {
      it(`answers ${range} of 25 bytes with ${status} ${expected ?? ''}`, async () => {
        const key = bench.newKey();
        await bench.put(key);
        const wire = await signCommand(
          bench.store,
          new GetObjectCommand({ Bucket: bench.store.bucket, Key: key, Range: range }),
        );
        const answer = await sendWire(bench.store, wire);
        assert.equal(answer.status, status, answer.code);
        if (expected === null) {
          assert.equal(answer.code, 'InvalidRange');
          return;
        }
        const [first, last] = expected.split('-').map(Number) as [number, number];
        assert.equal(answer.headers['content-range'], `bytes ${first}-${last}/25`);
        assert.deepEqual(answer.body, BODY.subarray(first, last + 1));
      });
    }
  });
}
