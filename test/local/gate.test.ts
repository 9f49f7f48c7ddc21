import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { getOpenapiRow } from '../../functions/table.ts';
import { createGate } from '../../local/host/gate.ts';
import { MAX_PAYLOAD_BYTES } from '../../local/host/host-answer.ts';
import { loadFunction } from '../../local/host/invoke-function.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const bounded = { timeout: 10_000 };

test(
  'a gate lets as many in as it may, and the others in their order, also behind one that fails',
  bounded,
  async () => {
    const gate = createGate(2);
    const seen: number[] = [];
    const ends = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
    const passing = ends.map((end, i) =>
      gate.pass(async () => {
        seen.push(i);
        await end.promise;
        return i;
      }),
    );
    await turn();
    assert.deepEqual(seen, [0, 1]);
    ends[1]?.reject(new Error('unlucky'));
    await assert.rejects(passing[1] as Promise<number>, /unlucky/);
    await turn();
    assert.deepEqual(seen, [0, 1, 2]);
    for (const end of ends) end.resolve();
    assert.deepEqual(await Promise.all([passing[0], passing[2], passing[3]]), [0, 2, 3]);
    assert.equal(await gate.pass(async () => 'free again'), 'free again');
  },
);

test('a function that takes longer than its row allows is ended, as in Lambda', bounded, async () => {
  const row = { ...getOpenapiRow, limits: { ...getOpenapiRow.limits, timeoutMs: 5 } };
  const hangs = { before: () => new Promise<never>(() => {}) };
  const observer = { ...createLineObserver(() => undefined), middleware: [hangs] };
  const found = await loadFunction(row, { observer } as unknown as ServicePorts, createGate(1));
  await assert.rejects(found.invoke({}), { name: 'TimeoutError', message: 'get-openapi took longer than 5 ms.' });
});

test('Lambda lets out six mebibytes', () => assert.equal(MAX_PAYLOAD_BYTES, 6_291_456));
