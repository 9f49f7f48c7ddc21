import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { recordsOfPublished } from '../../core/batch/published-batch.ts';
import { readKey } from '../../core/block/content-keys.ts';
import { auditKey } from '../../core/block/seal.ts';
import { concatBytes } from '../../core/bytes.ts';
import { StateError } from '../../core/errors.ts';
import type { Nonce } from '../../core/ids.ts';
import { appendLeaves, EMPTY_PEAKS, rootOfPeaks } from '../../core/log/peaks.ts';
import { recordHash } from '../../core/log/record.ts';
import type { PublishedEvent } from '../../core/ports/ledger.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import type { Publication } from '../../device/publish/publish-next.ts';
import {
  accountOf,
  copyOutbox,
  newWriter,
  startDevice,
  successorOf,
  type TestWriter,
  temporaryFolder,
} from './fixture.ts';
import { pushSource } from './push-source.ts';
import { type Remote, startRemote } from './remote.ts';

/* A published dataset comes back from the chain's events and the owner's keys alone: the device puts its digests there. */

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'o') };
}

/** The chain's part of it. */
function publicationOf(writer: TestWriter, remote: Remote) {
  const events: PublishedEvent[] = [];
  const state = { events, broke: false, loseAnswers: false };
  const publication: Publication = {
    reader: {
      findPublished: async (_dataset, fromBlock, toBlock) =>
        events.filter(({ blockNumber }) => blockNumber >= fromBlock && blockNumber <= toBlock),
    },
    publisher: {
      account: accountOf(writer),
      async publish({ dataset, first, serial, salt, nonce, sealed }) {
        if (state.broke) throw new StateError('The account has not enough ether.');
        const blockNumber = remote.chain.length - 1;
        const place = { blockNumber, logIndex: events.length, sender: accountOf(writer), txHash: '0x01' };
        const noNonce = new Uint8Array(16) as Nonce;
        const sealedDigests = concatBytes(...sealed);
        events.push({ dataset, first, serial, salt, nonce: nonce ?? noNonce, sealedDigests, ...place });
        if (state.loseAnswers) throw new StateError('It was not mined in time.');
        return { txHash: '0x01', blockNumber, gasUsed: 1n, feeWei: 1n };
      },
    },
  };
  return { ...state, state, publication };
}

/** The log that the events lead to, with the keys of whoever sealed each. */
function rootOfEvents(events: readonly PublishedEvent[], ...writers: readonly TestWriter[]): Uint8Array {
  let peaks = EMPTY_PEAKS;
  for (const event of events.toSorted((a, b) => a.first - b.first)) {
    const { datasetKey } = writers.find(({ serial }) => serial === event.serial) as TestWriter;
    const keys = { auditKey: auditKey(nodePrimitives, datasetKey), readKey: readKey(nodePrimitives, datasetKey) };
    const records = recordsOfPublished(nodePrimitives, keys, event);
    peaks = appendLeaves(
      nodePrimitives,
      peaks,
      records.map((record) => recordHash(nodePrimitives, record)),
    );
  }
  return rootOfPeaks(nodePrimitives, peaks);
}

test('every batch is published once, and the events lead to the recorded head', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const { publication, events } = publicationOf(writer, remote);
  const source = pushSource();
  const parts = { remote, writer, outboxPath, source, publication, direct: true };
  const device = startDevice(parts, { untilIdle: true, batch: { maxBlocks: 2, maxBytes: 1000, maxAgeMs: 10 } });
  for (let n = 0; n < 9; n++) await source.line(`${n}\n`);
  source.end();
  assert.equal(await device.ended, true);
  assert.equal(events.length, remote.log.length);
  assert.deepEqual(rootOfEvents(events, writer), remote.latestHead().root);
  assert.equal(device.events.filter(({ event }) => event === 'published').length, events.length);
});

test('what cannot be paid for keeps nothing else waiting, and is published when it can; one that was mined unseen is not paid twice', async (context) => {
  const { writer, remote, outboxPath } = await setUp(context);
  const { publication, events, state } = publicationOf(writer, remote);
  state.broke = true;
  const source = pushSource();
  const device = startDevice({ remote, writer, outboxPath, source, publication }, { untilIdle: true });
  await source.line('one\n');
  source.end();
  await device.event('retry', ({ step, reason }) => step === 'publish' && /not enough ether/.test(reason));
  await device.event('checked');
  assert.equal(events.length, 0);
  const look = openOutboxReadOnly(outboxPath);
  assert.equal(readStatus(look, Date.now()).unpublished, 1);
  look.close();
  state.loseAnswers = true;
  state.broke = false;
  assert.equal(await device.ended, true, 'it ends once the chain has them');
  assert.equal(events.length, 1);
});

test('an old copy of the outbox, and a replacement, publish what nobody has, and nothing twice', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const { publication, events } = publicationOf(writer, remote);
  const run = async (device: TestWriter, path: string, line: string) => {
    const source = pushSource();
    const running = startDevice({ remote, writer: device, outboxPath: path, source, publication }, { untilIdle: true });
    await source.line(line);
    source.end();
    assert.equal(await running.ended, true);
  };
  await run(writer, outboxPath, 'one\n');
  copyOutbox(outboxPath, join(folder, 'copy'));
  await run(writer, outboxPath, 'two\n');
  for (const ending of ['', '-wal', '-shm']) rmSync(`${outboxPath}${ending}`, { force: true });
  await run(writer, join(folder, 'copy'), 'three\n');
  const successor = successorOf(writer, 3);
  remote.charterOnChain(successor.charter);
  await run(successor, join(folder, 'copy'), 'four\n');
  assert.deepEqual(
    events.map(({ first, serial }) => [first, serial]),
    [
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 2],
    ],
  );
  assert.deepEqual(rootOfEvents(events, writer, successor), remote.latestHead().root);
});
