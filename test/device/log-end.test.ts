import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { appendBlocks } from '../../device/outbox/append-blocks.ts';
import { batchesIn, lastBatch } from '../../device/outbox/batch-rows.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { createCompareStep } from '../../device/steps/compare-logs.ts';
import { createDeviceRun } from '../../device/steps/device-run.ts';
import { sealBatches } from '../../device/steps/seal-batches.ts';
import { accountOf, FAST, newWriter, ownerOf, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/* Sealing rests on the end of the log, which comparing may change: one of them has it at a time. */

const signal = new AbortController().signal;
const MIB = 2 ** 20;

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const account = accountOf(writer);
  const remote = await startRemote(writer);
  const outbox = openOutbox(join(folder, 'o'), ownerOf(writer));
  context.after(async () => {
    outbox.close();
    await remote.close();
  });
  // Sealed in so many turns that others have theirs between.
  const blocks = Array.from({ length: 16 }, (_, n) => ({ content: new Uint8Array(MIB / 2).fill(n), meta: { at: n } }));
  outbox.commit(() => appendBlocks(outbox, [{ blocks }], 0));
  const seen: string[] = [];
  let chain = Promise.resolve();
  const readDevices: typeof remote.ledger.readDevices = async (...call) => {
    seen.push(`compares with ${batchesIn(outbox, 'planned', 10).length} half sealed`);
    await chain;
    return remote.ledger.readDevices(...call);
  };
  const run = createDeviceRun(
    {
      ...{
        primitives: nodePrimitives,
        runtime: nodeRuntime,
        transfer: nodeTransfer,
        outbox,
        writer,
        account,
        charter: writer.charter,
      },
      ...{ service: remote.service, ledger: { ...remote.ledger, readDevices }, source: pushSource() },
      ...{ clock: createDeviceClock(nodeRuntime), report: ({ event }) => void seen.push(event) },
    },
    { ...FAST, batch: { maxBlocks: 16, maxBytes: 8 * MIB, maxAgeMs: 0 } },
  );
  /** The chain is read anew, and does not answer until then. */
  const hang = (): (() => void) => {
    run.chain.expire();
    const { promise, resolve } = Promise.withResolvers<void>();
    chain = promise;
    return resolve;
  };
  return { run, outbox, seen, hang, compare: createCompareStep(run) };
}

test('a comparison waits for the batch that is being sealed', async (context) => {
  const { run, seen, compare } = await setUp(context);
  await compare(signal);
  run.chain.expire();
  const sealing = sealBatches(run, signal);
  const comparing = compare(signal);
  await Promise.all([sealing, comparing]);
  assert.deepEqual(seen, ['compares with 0 half sealed', 'sealed', 'compares with 0 half sealed']);
});

test('while a comparison is under way no batch is begun; once it has ended well, one is', async (context) => {
  const { run, outbox, seen, hang, compare } = await setUp(context);
  await compare(signal);
  const goOn = hang();
  const comparing = compare(signal);
  const turn = () => new Promise((resolve) => setImmediate(() => resolve('waits')));
  await turn();
  assert.equal(await Promise.race([sealBatches(run, signal), turn()]), Number.POSITIVE_INFINITY);
  assert.equal(lastBatch(outbox), null);
  goOn();
  await comparing;
  assert.equal(await sealBatches(run, signal), 0);
  assert.equal(seen.at(-1), 'sealed');
});

test('nothing is sealed before the first comparison, nor on one that is too old', async (context) => {
  const { run, outbox, compare } = await setUp(context);
  assert.equal(await sealBatches(run, signal), Number.POSITIVE_INFINITY);
  await compare(signal);
  run.comparison.expire();
  assert.equal(await sealBatches(run, signal), Number.POSITIVE_INFINITY);
  assert.equal(lastBatch(outbox), null);
  await compare(signal);
  assert.equal(await sealBatches(run, signal), 0);
  assert.equal(lastBatch(outbox)?.blocks, 16);
});
