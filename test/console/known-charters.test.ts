import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withKnownCharters } from '../../console/worker/known-charters.ts';
import { address, datasetId, NO_ACCOUNT } from '../../core/ids.ts';
import type { ChainCharter, Ledger } from '../../core/ports/ledger.ts';

const OWNER = address(`0x${'0a'.repeat(20)}`);

/** A charter in each of these chain blocks, of which `finalAt` is the newest final one; and the ranges that were asked for. */
function chainOf(blocks: number[], finalAt: { block: number }) {
  const asked: string[] = [];
  const charterAt = (blockNumber: number): ChainCharter => ({
    dataset: datasetId(`0x${blockNumber.toString(16).padStart(64, '0')}`),
    charter: {
      ...{ owner: OWNER, name: new Uint8Array(32).fill(65), kind: 0, device: OWNER, anchorer: NO_ACCOUNT },
      ...{ serial: 1, from: 0 },
    },
    ...{ txHash: '0x', blockNumber, logIndex: 0 },
  });
  const find = (from: number, to: number): Promise<ChainCharter[]> => {
    asked.push(`${from}-${to}`);
    return Promise.resolve(blocks.filter((block) => block >= from && block <= to).map(charterAt));
  };
  const ledger = {
    readHeads: () =>
      Promise.resolve({ point: { blockNumber: finalAt.block, blockHash: '0x', timestampMs: 0 }, heads: [] }),
    findChartered: (_: unknown, from: number, to: number) => find(from, to),
    findAllChartered: find,
    findAllRecorded: () => Promise.resolve([]),
  } as unknown as Parameters<typeof withKnownCharters>[0] & Pick<Ledger, 'readHeads'>;
  return { asked, ledger: withKnownCharters(ledger) };
}

const blocksOf = (found: readonly ChainCharter[]) => found.map(({ blockNumber }) => blockNumber);

test('charters in final blocks are asked for once; what is not final yet is asked for again, and may be gone', async () => {
  const blocks = [3, 8, 12];
  const finalAt = { block: 9 };
  const { asked, ledger } = chainOf(blocks, finalAt);
  assert.deepEqual(blocksOf(await ledger.findAllChartered(1, 12)), [3, 8, 12]);
  blocks[2] = 11;
  assert.deepEqual(blocksOf(await ledger.findAllChartered(1, 13)), [3, 8, 11]);
  finalAt.block = 13;
  assert.deepEqual(blocksOf(await ledger.findAllChartered(1, 13)), [3, 8, 11]);
  assert.deepEqual(blocksOf(await ledger.findAllChartered(1, 13)), [3, 8, 11]);
  assert.deepEqual(blocksOf(await ledger.findAllChartered(1, 10)), [3, 8]);
  assert.deepEqual(asked, ['1-12', '10-13', '10-13']);
});

test('each owner has its own, one dataset is asked for each time, and a failure leaves what was known', async () => {
  const { asked, ledger } = chainOf([2], { block: 5 });
  await ledger.findChartered({ owner: OWNER }, 1, 5);
  await ledger.findChartered({ owner: OWNER }, 1, 5);
  await ledger.findChartered({ owner: NO_ACCOUNT }, 1, 5);
  await ledger.findChartered({ dataset: datasetId(`0x${'1'.padStart(64, '0')}`) }, 1, 5);
  await ledger.findChartered({ dataset: datasetId(`0x${'1'.padStart(64, '0')}`) }, 1, 5);
  assert.deepEqual(asked, ['1-5', '1-5', '1-5', '1-5']);
  const failing: typeof ledger = { ...ledger, findAllChartered: () => Promise.reject(new Error('not now')) };
  const broken = withKnownCharters(failing);
  await assert.rejects(broken.findAllChartered(1, 5), /not now/);
  await assert.rejects(broken.findAllChartered(1, 5), /not now/);
});
