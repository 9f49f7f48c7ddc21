import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { functionRows, getOpenapiRow, getRecordsRow, proveChunksRow } from '../../functions/table.ts';
import { createGate } from '../../local/host/gate.ts';
import { createGates, gateOf } from '../../local/host/gates.ts';
import { MAX_PAYLOAD_BYTES } from '../../local/host/host-answer.ts';
import { loadFunction } from '../../local/host/invoke-function.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const bounded = { timeout: 10_000 };

test(
  'a gate lets as many in as it may, and the others in their order, also behind one that fails',
  bounded,
  async () => {
    const gate = createGate({ atOnce: 2, mostWaiting: 9, mostWaitMs: 9_000 });
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

test(
  'a gate turns away whoever comes while enough wait, at once, and whoever has waited long enough',
  bounded,
  async () => {
    const gate = createGate({ atOnce: 1, mostWaiting: 1, mostWaitMs: 30 });
    const inside = Promise.withResolvers<string>();
    const first = gate.pass(() => inside.promise);
    const late = assert.rejects(
      gate.pass(async () => assert.fail('it was not let in')),
      {
        name: 'StoreUnavailableError',
        message: /had to wait more than 30 ms/,
      },
    );
    await assert.rejects(
      gate.pass(async () => assert.fail('it was not let in')),
      /Too many requests of this kind are already waiting \(1\)/,
    );
    await late;
    // Nobody waits any more: the place is the next one's.
    const next = gate.pass(async () => 'next');
    inside.resolve('first');
    assert.deepEqual(await Promise.all([first, next]), ['first', 'next']);
  },
);

test('who goes away leaves the queue, and nothing is run for it', bounded, async () => {
  const gate = createGate({ atOnce: 1, mostWaiting: 2, mostWaitMs: 9_000 });
  const inside = Promise.withResolvers<void>();
  const first = gate.pass(() => inside.promise);
  const goes = new AbortController();
  const gone = assert.rejects(
    gate.pass(async () => assert.fail('it has gone away'), goes.signal),
    { name: 'AbortError' },
  );
  const next = gate.pass(async () => 'next');
  goes.abort();
  await gone;
  inside.resolve();
  assert.deepEqual(await Promise.all([first, next]), [undefined, 'next']);
  const early = gate.pass(async () => assert.fail('it had gone before'), goes.signal);
  await assert.rejects(early, { name: 'AbortError' });
  assert.equal(await gate.pass(async () => 'free again'), 'free again');
});

test('a place stays empty for as long as whoever had it must rest', bounded, async () => {
  const took: number[] = [];
  const restMs = (tookMs: number) => {
    took.push(tookMs);
    return took.length === 1 ? 60 : 0;
  };
  const gate = createGate({ atOnce: 1, mostWaiting: 9, mostWaitMs: 9_000, restMs });
  const sinceMs = performance.now();
  await gate.pass(() => new Promise((resolve) => setTimeout(resolve, 20)));
  await gate.pass(async () => assert.ok(performance.now() - sinceMs >= 75, 'it came too soon'));
  assert.ok((took[0] as number) >= 19 && (took[1] as number) < 19, String(took));
  const again = performance.now();
  await gate.pass(async () => assert.ok(performance.now() - again < 40, 'nobody had to rest'));
});

test('strangers run one at a time, and rest while somebody who has signed is at work', bounded, async () => {
  const gates = createGates();
  const signed = { headers: { 'signature-input': 'eth=()' } };
  const atWork = Promise.withResolvers<void>();
  const [most, inside] = [{ count: 0 }, { count: 0 }];
  const stranger = () =>
    gates.pass(getRecordsRow, { headers: {} }, async () => {
      most.count = Math.max(most.count, ++inside.count);
      await new Promise((resolve) => setTimeout(resolve, 10));
      inside.count--;
    });
  const timed = async (): Promise<number> => {
    const sinceMs = performance.now();
    await Promise.all(Array.from({ length: 6 }, stranger));
    return performance.now() - sinceMs;
  };
  const owner = gates.pass(proveChunksRow, signed, () => atWork.promise);
  // Six times ten, and five rests of as long; a busy machine only makes it more.
  const tookMs = await timed();
  assert.ok(tookMs >= 100, `${tookMs} ms`);
  atWork.resolve();
  await owner;
  assert.equal(most.count, 1);
});

test('who has not signed passes with the strangers, whatever is asked; events and proofs pass among themselves', () => {
  const signed = { headers: { 'signature-input': 'eth=()' } };
  const gates = (event: unknown) =>
    Object.fromEntries(functionRows.map((row) => [row.name, gateOf(row, event)] as const));
  const events = { 'ingest-segment': 'events', 'segment-removed': 'events', anchor: null, 'reconcile-segments': null };
  const market = ['put-description', 'get-descriptions', 'put-request', 'list-requests'];
  const strangers = ['get-records', 'get-anchor', 'put-charter', 'get-openapi', ...market];
  const heavy = ['hash-blocks', 'prove-chunks', 'publish-segment'];
  for (const [name, gate] of Object.entries(gates(signed))) {
    const own = strangers.includes(name) ? 'public' : heavy.includes(name) ? 'heavy' : null;
    assert.equal(gate, name in events ? events[name as keyof typeof events] : own, name);
  }
  for (const event of [{ headers: {} }, {}, null, 'text', { headers: null }]) {
    for (const [name, gate] of Object.entries(gates(event))) {
      assert.equal(gate, name in events ? events[name as keyof typeof events] : 'public', name);
    }
  }
});

test('a function that takes longer than its row allows is ended, as in Lambda', bounded, async () => {
  const row = { ...getOpenapiRow, limits: { ...getOpenapiRow.limits, timeoutMs: 5 } };
  const hangs = { before: () => new Promise<never>(() => {}) };
  const observer = { ...createLineObserver(() => undefined), middleware: [hangs] };
  const found = await loadFunction(row, { observer } as unknown as ServicePorts, createGates());
  await assert.rejects(found.invoke({}), { name: 'TimeoutError', message: 'get-openapi took longer than 5 ms.' });
});

test('Lambda lets out six mebibytes', () => assert.equal(MAX_PAYLOAD_BYTES, 6_291_456));
