import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { SealedRow } from '../../device/outbox/batch-rows.ts';
import { type UploadParts, uploadBatch } from '../../device/upload/upload-batch.ts';
import { uploadSegmentRow } from '../../functions/table.ts';

test('an address to upload to tells the service’s time: what is left of it is what the table gives', async () => {
  const compared: number[] = [];
  const nowMs = 1_700_000_000_000;
  const goodForMs = 1000 * uploadSegmentRow.limits.presignedSeconds;
  const put = { method: 'PUT', url: 'http://127.0.0.1/k', headers: {}, expiresAtMs: nowMs + goodForMs };
  const stalls: number[] = [];
  const parts = {
    service: { uploadSegment: async () => ({ key: 'k', put }) },
    clock: { compare: (serviceMs: number) => compared.push(serviceMs) },
    transfer: {
      async put(_put: unknown, _body: unknown, { stallMs }: { stallMs: number }) {
        stalls.push(stallMs);
        return 200;
      },
    },
    writer: { dataset: '0x01' },
    record: 'relayed',
  } as unknown as UploadParts;
  const fresh = { segment: { car: new Uint8Array(3) } } as unknown as SealedBatch;
  const row = { first: 0, sha256: new Uint8Array(32), segmentBytes: 3 } as unknown as SealedRow;
  const uploaded = await uploadBatch(parts, row, fresh, { stallMs: 700 }, new AbortController().signal);
  assert.deepEqual([uploaded, compared, stalls], [{ again: false }, [nowMs], [700]]);
});
