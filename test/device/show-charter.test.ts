import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { signCharter } from '../../core/charter/charter.ts';
import { RequestRefusedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { withCharterShown } from '../../device/upload/show-charter.ts';
import { newWriter, startDevice, successorOf, type TestWriter, temporaryFolder } from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

const never = new AbortController().signal;

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { writer, remote, outboxPath: join(folder, 'o') };
}

/** The same device under a charter that names an anchorer. */
function anchored(writer: TestWriter): TestWriter {
  const { signature: _, ...charter } = { ...writer.charter, anchorer: `0x${'0a'.repeat(20)}` as Address };
  return { ...writer, charter: { ...charter, signature: signCharter(writer.domain, charter, writer.ownerKey) } };
}

test('a service that does not know the dataset is shown the charter, and asked once more', async (context) => {
  const { writer, remote } = await setUp(context);
  const parts = { ...writer, writer, service: remote.service };
  const asked = withCharterShown(parts, () => remote.service.listBatches(writer.dataset, {}), never);
  assert.deepEqual((await asked).batches, []);
  assert.deepEqual(remote.charter, writer.charter);
});

test('a refusal of something else stays what it is: the charter is known already, or has no signature', async (context) => {
  const { writer, remote } = await setUp(context);
  let times = 0;
  const refuse = async (): Promise<never> => {
    times++;
    throw new RequestRefusedError('The quota is used up.', { type: '/problems/quota', status: 403 });
  };
  remote.charter = writer.charter;
  const parts = { ...writer, writer, service: remote.service };
  await assert.rejects(withCharterShown(parts, refuse, never), { type: '/problems/quota' });
  const unsigned = { ...parts, charter: { ...writer.charter, signature: null } };
  await assert.rejects(withCharterShown(unsigned, refuse, never), { type: '/problems/quota' });
  assert.equal(times, 2);
});

test('a charter that the service refuses is what its refusal is about', async (context) => {
  const { writer, remote } = await setUp(context);
  remote.charter = writer.charter;
  const successor = successorOf(writer, 0);
  const parts = { ...successor, writer: successor, service: remote.service };
  const refuse = async (): Promise<never> => {
    throw new RequestRefusedError('Not yours.', { type: '/problems/forbidden', status: 403 });
  };
  await assert.rejects(withCharterShown(parts, refuse, never), /does not have this charter/);
});

test('a device that records by itself brings its charter to the chain with its first record, and never again', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  remote.relaying = false;
  const seen: number[] = [];
  const { prepare } = remote.recorder;
  const recorder = {
    ...remote.recorder,
    prepare: (...args: Parameters<typeof prepare>) => {
      seen.push(args[0].charters.length);
      return prepare(...args);
    },
  };
  const source = pushSource();
  const parts = { remote: { ...remote, recorder }, writer, outboxPath, source, direct: true };
  const device = startDevice(parts, { untilIdle: true });
  await source.line('one\n');
  await device.event('checked');
  await source.line('two\n');
  source.end();
  assert.equal(await device.ended, true);
  assert.deepEqual(seen, [1, 0]);
  assert.deepEqual(remote.charters, [writer.charter]);
});

test('a charter with an anchorer is sent by the owner alone: the device says so, and waits', async (context) => {
  const { remote, writer, outboxPath } = await setUp(context);
  remote.relaying = false;
  const source = pushSource();
  const device = startDevice({ remote, writer: anchored(writer), outboxPath, source, direct: true });
  await source.line('one\n');
  await device.event('retry', ({ step, reason }) => step === 'record' && /only the owner .* may send it/.test(reason));
  await device.stop();
  assert.equal(remote.latestHead().size, 0);
});

test('a replacement whose charter is not on the chain yet is held until it is', async (context) => {
  const { remote, writer, outboxPath } = await setUp(context);
  remote.charterOnChain(writer.charter);
  const successor = successorOf(writer, 0);
  const source = pushSource();
  const device = startDevice({ remote, writer: successor, outboxPath, source }, { untilIdle: true });
  await source.line('one\n');
  await device.event('held', ({ reason }) => /owner has to send it/.test(reason));
  remote.charterOnChain(successor.charter);
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(remote.latestHead().size, 1);
});
