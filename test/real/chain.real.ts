import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { readFees } from '../../adapters/ethereum/read-fees.ts';
import { signTransaction } from '../../adapters/ethereum/sign-transaction.ts';
import { equalBytes } from '../../core/bytes.ts';
import { LedgerUnavailableError, StateError } from '../../core/errors.ts';
import { rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import { feeRecipientOf } from '../../dev/real/geth/slot-driver.ts';
import type { GethNode } from '../../dev/real/geth/start-node.ts';
import type { TestDataset } from '../functions/log-fixture.ts';
import { type GethService, startGethService } from './geth-service.ts';

/* Recording on four geth nodes: what only a chain of several nodes does. */

const LAG_SLOTS = 4;
/** Of a batch. */
const BLOCKS = 3;
/** A node that is away costs a run no more than this. */
const WITHIN_MS = 30_000;

describe('recording on four geth nodes', { timeout: 300_000 }, () => {
  let service: GethService;
  before(
    async () => {
      service = await startGethService(LAG_SLOTS);
    },
    { timeout: 120_000 },
  );
  after(() => service?.stop());

  /** One history up to the dataset's end, each block in exactly one event, and the same at every node. */
  const assertRecordedOnce = async (dataset: TestDataset): Promise<void> => {
    const { heads, point } = await service.ledger.readHeads([dataset.id], 'latest');
    const events = await service.ledger.findRecorded(dataset.id, 0, point.blockNumber);
    const sizes = [...rebuildPeaks(nodePrimitives, events)].map(({ size }) => size);
    assert.equal(sizes.at(-1), dataset.end.size);
    assert.ok(equalBytes(events.at(-1)!.root, heads[0]!.root));
    const tips = await Promise.all(service.network.nodes.map(headOf));
    assert.equal(new Set(tips).size, 1, `the nodes disagree: ${tips.join(' ')}`);
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < LAG_SLOTS + 2; i++) {
      await service.anchor();
      await service.slots.slot();
    }
    await service.anchor();
  };

  it('what is recorded is final only when so many slots follow, and the same at every node', async () => {
    const dataset = await service.openDataset();
    await service.fill(dataset);
    // A node that has just begun may not know yet what the relayer has: the anchor then sends in its next run.
    let { transactions } = await service.anchor();
    for (let run = 0; run < 5 && transactions === 0; run++) {
      await service.slots.slot();
      ({ transactions } = await service.anchor());
    }
    assert.equal(transactions, 1);
    await service.network.mine(1);
    for (let behind = 0; behind < LAG_SLOTS; behind++) {
      assert.equal(await service.sizeAt(dataset, 'latest'), BLOCKS);
      assert.equal(await service.sizeAt(dataset, 'final'), 0, `${behind} slots behind`);
      await service.slots.slot();
    }
    assert.equal(await service.sizeAt(dataset, 'final'), BLOCKS);
    const final = await Promise.all(service.network.nodes.map((node) => headOf(node, 'finalized')));
    assert.equal(new Set(final).size, 1);
    await assertRecordedOnce(dataset);
  });

  it('the nodes build in turn, each connected to all others', async () => {
    const miners: string[] = [];
    for (let i = 0; i < 4; i++) {
      await service.slots.slot();
      const { miner } = (await service.network.nodes[0]!.rpc.call('eth_getBlockByNumber', ['latest', false])) as {
        miner: string;
      };
      miners.push(miner);
    }
    assert.deepEqual(miners.sort(), [0, 1, 2, 3].map(feeRecipientOf));
    const peers = await Promise.all(service.network.nodes.map(({ rpc }) => rpc.call('net_peerCount', [])));
    assert.deepEqual(peers, ['0x3', '0x3', '0x3', '0x3']);
  });

  it('a reorganisation takes a recorded head back, and the anchor brings it again exactly once', async () => {
    const dataset = await service.openDataset();
    await service.fill(dataset);
    await service.anchor();
    await service.network.mine(1);
    await service.slots.slot();
    assert.equal(await service.sizeAt(dataset, 'latest'), BLOCKS);
    const { latest: sent } = await service.recorder.nonces();
    const [node] = service.network.nodes as [GethNode];
    const former = await headOf(node);
    await service.slots.reorg(2);
    assert.notEqual(await headOf(node), former);
    // The fork's builder may hear of the transaction from its peers in time to take it in; else the fork has nothing of it.
    assert.ok([0, BLOCKS].includes(Number(await service.sizeAt(dataset, 'latest'))));
    await settle();
    assert.equal(await service.sizeAt(dataset, 'final'), BLOCKS);
    await assertRecordedOnce(dataset);
    assert.equal((await service.recorder.nonces()).latest, sent, 'no further transaction was paid for');
  });

  it('the relayer’s nonce is used by another transaction on the fork: the head is recorded by the next one', async () => {
    const dataset = await service.openDataset();
    await service.fill(dataset);
    await service.anchor();
    await service.network.mine(1);
    const { latest } = await service.recorder.nonces();
    await service.slots.reorg(1, async (builder) => {
      const { account } = service.relayer;
      const fees = await readFees(builder.rpc, undefined);
      const rival = { chainId: service.chain.chainId, to: account, data: '0x', nonce: latest - 1, gas: 21_000n, fees };
      const { raw } = await signTransaction(service.relayer, rival);
      await builder.rpc.call('eth_sendRawTransaction', [raw]);
    });
    assert.equal(await service.sizeAt(dataset, 'latest'), 0);
    assert.equal((await service.recorder.nonces()).latest, latest, 'the rival is mined');
    await settle();
    assert.equal(await service.sizeAt(dataset, 'final'), BLOCKS);
    await assertRecordedOnce(dataset);
    assert.equal((await service.recorder.nonces()).latest, latest + 1);
  });

  it('what is final is not taken back', async () => {
    await service.network.finalize();
    await assert.rejects(service.slots.reorg(LAG_SLOTS + 1), StateError);
  });

  it('the node is killed while the anchor runs: an error in time, the others go on, and after its return so does all', async () => {
    const dataset = await service.openDataset();
    const [asked] = service.network.nodes as [GethNode];
    await service.fill(dataset);
    await service.anchor();
    await service.network.mine(1);
    await service.fill(dataset);
    const beganMs = performance.now();
    const underWay = service.anchor().then(
      () => null,
      (error: unknown) => error,
    );
    await asked.kill();
    const outcome = await underWay;
    assert.ok(outcome === null || outcome instanceof LedgerUnavailableError, String(outcome));
    await assert.rejects(service.anchor(), LedgerUnavailableError);
    assert.ok(performance.now() - beganMs < WITHIN_MS);
    for (let i = 0; i < 3; i++) await service.slots.slot();
    const late = service.put(dataset);
    // The table's word on who writes is two minutes old at most: no node is asked.
    await service.checkIn(late);
    await service.network.revive(asked);
    assert.ok(((await service.sizeAt(dataset, 'latest')) ?? 0) >= BLOCKS, 'nothing recorded was lost');
    await settle();
    assert.equal(await service.sizeAt(dataset, 'final'), 3 * BLOCKS);
    await assertRecordedOnce(dataset);
  });

  it('all nodes are killed at once: what was final still is, and recording goes on', async () => {
    const dataset = await service.openDataset();
    await service.fill(dataset);
    await settle();
    assert.equal(await service.sizeAt(dataset, 'final'), BLOCKS);
    await Promise.all(service.network.nodes.map((node) => node.kill()));
    await assert.rejects(service.anchor(), LedgerUnavailableError);
    for (const node of service.network.nodes) await node.restart();
    await service.slots.slot();
    // Each may lack the last blocks that it had; the one that built was given them.
    for (const node of service.network.nodes) await service.network.catchUp(node);
    assert.equal(await service.sizeAt(dataset, 'final'), BLOCKS);
    await service.fill(dataset);
    await settle();
    assert.equal(await service.sizeAt(dataset, 'final'), 2 * BLOCKS);
    await assertRecordedOnce(dataset);
  });
});

async function headOf({ rpc }: GethNode, tag: unknown = 'latest'): Promise<string> {
  const { hash } = (await rpc.call('eth_getBlockByNumber', [tag === 'finalized' ? tag : 'latest', false])) as {
    hash: string;
  };
  return hash;
}
