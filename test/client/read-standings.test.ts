import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createSignatureFinder } from '../../adapters/ethereum/find-signature.ts';
import { openHeadMemory } from '../../adapters/sqlite/head-memory.ts';
import { createRoundView } from '../../client/growth/round-view.ts';
import { type DatasetStanding, readStandings } from '../../client/owner/read-standings.ts';
import type { Head } from '../../core/log/head.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { startForeignNode } from '../adapters/foreign-node.ts';
import { createLogFixture, type LogFixture, seal, type TestDataset } from '../functions/log-fixture.ts';
import { LyingAnchorer } from './lying-anchorer.ts';

let fixture: LogFixture;
let folder: string;
before(async () => {
  fixture = await createLogFixture();
  folder = mkdtempSync(join(tmpdir(), 'plumbline-standings-'));
});
after(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true, force: true });
});

const none: Pick<Head, 'size' | 'root'> = { size: 0, root: new Uint8Array(32) as Head['root'] };

/** Looks at these datasets as `plumb fleet status` does, in a process of its own. */
async function look(anchorer: LyingAnchorer, datasets: readonly TestDataset[], home: string) {
  // One for each look: no connection is left idle in between.
  const node = await startForeignNode(fixture.chain.rpcUrl, {});
  let listed = 0;
  const service: Pick<StorageService, 'listBatches'> = {
    listBatches: async () => {
      listed++;
      return {
        recorded: { ...none, root: `0x${'00'.repeat(32)}` },
        final: { ...none, root: `0x${'00'.repeat(32)}` },
        round: null,
        batches: [],
        next: null,
      };
    },
  };
  const hasher = nodePrimitives;
  const memory = openHeadMemory(hasher, join(folder, home));
  const chain = { ...fixture.chain, rpcUrl: node.rpcUrl };
  const ledger = createDisscLedger(chain);
  const reader = createDisscRounds(chain);
  const rounds = {
    ...{ hasher, reader, memory, service: anchorer, isOneOperator: false, roundLimitMs: 3_600_000 },
    view: createRoundView({ hasher, reader, fromBlock: 0, memory }),
    chartersOf: (dataset: string) => datasets.filter(({ id }) => id === dataset).map(({ first }) => first),
    findSignature: createSignatureFinder(chain),
  };
  const asked = anchorer.asked.length;
  const wanted = datasets.map(({ id, first }) => ({ dataset: id, charters: [first] }));
  const { standings } = await readStandings(
    { ledger, fromBlock: 0, rounds, service },
    fixture.owner.account,
    wanted,
    false,
  );
  memory.close();
  await node.stop();
  return { standings, listed, rpc: node.bodies(), anchors: anchorer.asked.length - asked };
}

const sizes = (standings: readonly DatasetStanding[]) => new Set(standings.map(({ standing }) => standing?.size));

it('looks at hundreds of devices with two requests each to the service, and as many to the chain as for a few', async () => {
  const anchorer = await LyingAnchorer.open(fixture);
  const datasets = Array.from({ length: 200 }, () => fixture.openDataset({ anchorer: anchorer.account }));
  for (const dataset of datasets) await anchorer.take(dataset, [seal(dataset, 1)]);
  await anchorer.anchor();
  const few = await look(anchorer, datasets.slice(0, 10), 'few');
  assert.deepEqual([few.anchors, few.listed, sizes(few.standings)], [10, 10, new Set([1])]);
  const all = await look(anchorer, datasets, 'all');
  assert.deepEqual([all.anchors, all.listed, sizes(all.standings)], [200, 200, new Set([1])]);
  assert.equal(all.rpc, few.rpc);
  assert.ok(all.rpc <= 16, `${all.rpc} requests to the chain`);

  // Again, by another process, when one of them is left out: what was seen costs nothing more, and that one is said.
  await anchorer.put((datasets[7] as TestDataset).id, null);
  await anchorer.anchor();
  const again = await look(anchorer, datasets, 'all');
  // The path of the one that is left out leads nowhere: its earlier round is looked for in the chain.
  assert.deepEqual([again.anchors, again.listed], [200, 200]);
  assert.ok(again.rpc <= all.rpc + 1, `${again.rpc} requests to the chain, ${all.rpc} before`);
  assert.deepEqual(
    again.standings.flatMap(({ dataset, faults }) => faults.map(({ kind }) => [dataset, kind])),
    [[datasets[7]?.id, 'left out']],
  );
});
