import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { publishedRecords } from '../../client/owner/published-records.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { concatBytes } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { address, type Nonce, type Salt } from '../../core/ids.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import type { Ledger, PublishedEvent, PublishedReader } from '../../core/ports/ledger.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import {
  DEVICE_KEY,
  datasetKeyOf,
  HonestStorage,
  headOf,
  ledgerOf,
  recordedEvents,
  sealLog,
  WRITER,
  writerOf,
} from '../core/honest-storage.ts';

const { dataset } = WRITER;
const SIZES = [[40, 40, 2500], [300, 300], [1, 9, 9, 9], [5]];
const STRANGER = address(`0x${'77'.repeat(20)}`);

function publish(batch: SealedBatch, change: Partial<PublishedEvent> = {}): PublishedEvent {
  const { first, serial, salt, nonce, blocks } = batch.manifest;
  return {
    dataset: batch.manifest.dataset,
    serial,
    first,
    salt,
    nonce: nonce ?? (new Uint8Array(16) as Nonce),
    sealedDigests: concatBytes(...blocks.map(({ record }) => record.sealed)),
    sender: accountOfKey(DEVICE_KEY),
    txHash: '0x1',
    blockNumber: 1,
    logIndex: first,
    ...change,
  };
}

/** Somebody else's publication in a batch's place: it costs only gas. */
const rubbish = (batch: SealedBatch): PublishedEvent =>
  publish(batch, { sender: STRANGER, salt: new Uint8Array(32).fill(9) as Salt });

/** Protocol I with records from the chain alone; the storage is asked for chunks and for nothing else. */
async function verify(
  log: readonly SealedBatch[],
  published: readonly PublishedEvent[],
  ledger: Ledger = ledgerOf(primitives, log),
) {
  const storage = new HonestStorage(primitives, log);
  storage.getRecords = () => Promise.reject(new StoreUnavailableError('Nobody is asked for records.'));
  const verdicts: string[] = [];
  const withPublished: Ledger & PublishedReader = { ...ledger, findPublished: async () => [...published] };
  await verifyDataset(
    {
      primitives,
      ledger,
      css: storage,
      openRecords: (of, signal) =>
        publishedRecords({ primitives, ledger: withPublished }, of, { datasetKeyOf, fromBlock: 0 }, signal),
    },
    { dataset, datasetKeyOf, evidence: 'possession', anchor: 'final' },
    (some) => verdicts.push(...some.map(({ verdict }) => verdict)),
  );
  return verdicts;
}

const blocks = SIZES.flat();
const intactBut = (isLost: (index: number) => boolean = () => false): string[] =>
  blocks.map((_, index) => (isLost(index) ? 'unavailable' : 'intact'));

describe('records of a published dataset, from the chain alone', () => {
  const log = sealLog(primitives, SIZES);

  it('are those that lead to what is recorded, encrypted or plain', async () => {
    assert.deepEqual(
      await verify(
        log,
        log.map((batch) => publish(batch)),
      ),
      intactBut(),
    );
    const plain = sealLog(primitives, SIZES, writerOf(1));
    const source = await publishedRecords(
      { primitives, ledger: { findPublished: async () => plain.map((batch) => publish(batch)) } },
      {
        head: headOf(primitives, plain),
        anchor: { point: { blockNumber: 9 } },
        recorded: recordedEvents(primitives, plain),
        charters: { first: null, chartered: [] },
      } as never,
      { datasetKeyOf, fromBlock: 0 },
    );
    const { batches } = await source.getRecords(plain[0]?.manifest.dataset as never, [0, 5], 10);
    assert.deepEqual(
      batches.flatMap(({ records }) => records.map(({ record }) => record)),
      [plain[0]?.manifest.blocks[0]?.record, plain[2]?.manifest.blocks[0]?.record],
    );
  });

  it('what strangers publish beside or before them changes nothing', async () => {
    const beside = log.flatMap((batch) => [rubbish(batch), rubbish(batch), publish(batch), rubbish(batch)]);
    assert.deepEqual(await verify(log, beside), intactBut());
    const byStranger = log.map((batch) => publish(batch, { sender: STRANGER }));
    assert.deepEqual(await verify(log, byStranger), intactBut(), 'what is true is true, whoever sent it');
    const odd = [
      publish(log[0] as SealedBatch, { sealedDigests: new Uint8Array(31) }),
      publish(log[0] as SealedBatch, { first: 1 }),
      publish(log[0] as SealedBatch, { first: 2 ** 50 }),
      publish(log[0] as SealedBatch, { serial: WRITER.serial + 1 }),
    ];
    assert.deepEqual(await verify(log, [...odd, ...beside]), intactBut());
  });

  it('a batch that was not published costs its own blocks alone', async () => {
    const published = log.toSpliced(1, 1).map((batch) => publish(batch));
    assert.deepEqual(
      await verify(log, published),
      intactBut((index) => index === 3 || index === 4),
    );
    assert.deepEqual(
      await verify(log, [...published, rubbish(log[1] as SealedBatch)]),
      intactBut((index) => index === 3 || index === 4),
    );
  });

  it('many batches recorded at once are found among rivals of each', async () => {
    const leaves = log.flatMap(({ leafHashes }) => [...leafHashes]);
    const appended = await subtreesOfLeaves(primitives, leaves)(appendedSubtrees(0, leaves.length));
    const [last] = recordedEvents(primitives, log.slice(-1));
    const ledger: Ledger = {
      ...ledgerOf(primitives, log),
      findRecorded: async () => (last === undefined ? [] : [{ ...last, appended }]),
    };
    const published = log.flatMap((batch) => [rubbish(batch), rubbish(batch), publish(batch)]);
    assert.deepEqual(await verify(log, published, ledger), intactBut());
  });
});
