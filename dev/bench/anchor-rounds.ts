/**
 * What one run of the anchor takes where N datasets have a batch more each, and what its round costs on the chain: requests to
 * the table and items in them, requests to the node, processor time of this process, gas. The adapters are the real ones; chain
 * (anvil, or four geth nodes with --geth), table (dynalite) and what counts requests run in a process of their own.
 *
 *     node dev/bench/anchor-rounds.ts [--datasets 100,1000,10000] [--geth] [--json]
 *
 * Two rounds each: the first, which makes the map; and the next, in which every head has moved.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployContracts } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import type { Address, MapRoot, PrivateKey } from '../../core/ids.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { headInRound } from '../../core/rounds/verify-round.ts';
import { DEFAULT_ANCHOR_SETTINGS } from '../../functions/anchor/anchor-settings.ts';
import { readNewestFinal } from '../../functions/rounds/follow-rounds.ts';
import { readTablePages } from '../../functions/rounds/table-pages.ts';
import { admitOwner } from '../../functions/state/owner-entry.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';
import { createService } from '../../test/functions/log-fixture.ts';
import { countTable, moveMany, openMany } from '../../test/functions/many-heads.ts';
import { serviceSettings } from '../../test/functions/service-settings.ts';
import { startGethNetwork } from '../real/geth/start-network.ts';
import { findProgram } from '../real/programs/find-program.ts';
import { countRpc } from './fleet/count-rpc.ts';

interface Place {
  readonly rpcUrl: string;
  readonly countedUrl: string;
  readonly chainId: number;
  readonly tableUrl: string;
}

/** Of one run. */
export interface RoundCost {
  readonly datasets: number;
  readonly round: 'first' | 'next';
  readonly tableReads: number;
  readonly tableWrites: number;
  readonly itemsRead: number;
  readonly itemsWritten: number;
  readonly rpcRequests: number;
  readonly rpcCalls: number;
  readonly transactions: number;
  readonly gas: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

const ETHER = 10n ** 18n;
/** Longer than any run takes here: what it takes is measured, not cut off. */
const TIME_LIMIT_MS = 600_000;

/** What the process of the parts is asked for. */
type Order = 'counts' | 'finalize' | { readonly credit: Address };

const SLOT_MS = 400;

if (process.argv[2] === 'parts') await serveParts(process.argv[3] === 'geth' ? startGeth : startOneAnvil);
else await measure();

interface BenchChain {
  readonly rpcUrl: string;
  readonly chainId: number;
  credit(account: Address): Promise<unknown>;
  /** Whatever was sent is mined, and final. */
  finalize(): Promise<unknown>;
  stop(): Promise<unknown>;
}

async function startOneAnvil(): Promise<BenchChain> {
  const { rpcUrl, chainId, stop } = await startAnvil({ stateFile: null, mining: { blockTimeMs: SLOT_MS } });
  const rpc = createJsonRpc({ rpcUrl, chainId });
  return {
    ...{ rpcUrl, chainId, stop },
    credit: (account) => fund(rpc, account, 100n * ETHER),
    async finalize() {
      for (let block = 0; block < 3; block++) await rpc.call('evm_mine', []);
    },
  };
}

async function startGeth(): Promise<BenchChain> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-rounds-geth-'));
  const network = await startGethNetwork({ geth: findProgram('geth'), folder });
  const { rpcUrl, chainId, slots } = network;
  slots.run(SLOT_MS);
  return {
    ...{ rpcUrl, chainId },
    credit: (account) => slots.credit(account, 100n * ETHER),
    async finalize() {
      await slots.pause();
      await network.mine(1);
      await network.finalize();
      slots.run(SLOT_MS);
    },
    async stop() {
      await network.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function serveParts(startChain: () => Promise<BenchChain>): Promise<void> {
  const chain = await startChain();
  const dynalite = await startDynalite({ folder: null });
  const counting = await countRpc(chain.rpcUrl);
  process.on('message', async (order: Order) => {
    if (order === 'finalize') await chain.finalize();
    else if (order !== 'counts') await chain.credit(order.credit);
    const trips = order === 'counts' ? counting.takeTrips() : [];
    process.send?.({ requests: trips.length, calls: trips.reduce((sum, inTrip) => sum + inTrip, 0) });
  });
  process.once('disconnect', async () => {
    await chain.stop();
    process.exit();
  });
  const { rpcUrl, chainId } = chain;
  process.send?.({ rpcUrl, countedUrl: counting.url, chainId, tableUrl: dynalite.endpoint });
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      datasets: { type: 'string', default: '100,1000,10000' },
      geth: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const parts = fork(import.meta.filename, ['parts', values.geth ? 'geth' : 'anvil']);
  try {
    const [place] = (await once(parts, 'message')) as [Place];
    const costs: RoundCost[] = [];
    for (const datasets of values.datasets.split(',').map(Number)) {
      costs.push(...(await measureRounds(parts, place, datasets)));
    }
    if (values.json) console.log(JSON.stringify(costs));
    else console.table(costs);
  } finally {
    const gone = once(parts, 'exit');
    parts.disconnect();
    await gone;
  }
  process.exit();
}

async function measureRounds(parts: ChildProcess, place: Place, datasets: number): Promise<RoundCost[]> {
  const { rpcUrl, countedUrl, chainId, tableUrl } = place;
  const newKey = () => nodePrimitives.randomBytes(32) as PrivateKey;
  const dissc = disscAddress();
  const [direct, counted] = [
    { rpcUrl, chainId, dissc },
    { rpcUrl: countedUrl, chainId, dissc },
  ];
  const rpc = createJsonRpc(direct);
  const ownerKey = newKey();
  const owner = { ...createKeySigner(ownerKey), key: ownerKey };
  const relayer = createKeySigner(newKey());
  for (const { account } of [owner, relayer]) await ask(parts, { credit: account });
  await deployContracts({ ...direct, signer: owner }, [DISSC]);
  const client = createDynamoClient({ region: 'us-east-1', endpoint: tableUrl, credentials: DYNALITE_CREDENTIALS });
  const tableName = `rounds-${datasets}`;
  await createTable(client, tableName);
  const table = createDynamoTable({ client, tableName });
  await admitOwner(table, { owner: owner.account, quotaBytes: 2 ** 40 });
  const { table: countedTable, counts } = countTable(table);
  const service = createService(
    direct,
    {
      ...{ ledger: createDisscLedger(counted), table: countedTable, grants: null, grantRecorder: null },
      ...{ recorder: createDisscRecorder({ ...counted, signer: relayer }), rounds: createDisscRounds(counted) },
      roundRecorder: createDisscRoundRecorder({ ...counted, signer: relayer }),
    },
    serviceSettings(),
    { ...DEFAULT_ANCHOR_SETTINGS, timeLimitMs: TIME_LIMIT_MS },
    relayer,
  );
  const domain = { chainId, dissc };
  const many = await openMany(table, datasets, { domain, owner, anchorer: relayer.account });
  const costs: RoundCost[] = [];
  for (const round of ['first', 'next'] as const) {
    await moveMany(table, many);
    await ask(parts, 'counts');
    Object.assign(counts, { reads: 0, writes: 0, readItems: 0, writtenItems: 0 });
    const startedMs = performance.now();
    const startedCpu = process.cpuUsage();
    const { outcome, transactions } = await service.anchor();
    const cpu = process.cpuUsage(startedCpu);
    const seconds = (performance.now() - startedMs) / 1_000;
    const asked = await ask(parts, 'counts');
    if (outcome !== 'done') throw new Error(`The run ended as ${outcome}.`);
    const { reads, writes, readItems, writtenItems } = counts;
    await ask(parts, 'finalize');
    await service.anchor();
    const final = await readNewestFinal({ table }, relayer.account);
    if (final === null || final.map === null) throw new Error('No round is final.');
    const receipt = (await rpc.call('eth_getTransactionReceipt', [final.txHash])) as { gasUsed: string };
    // Any of them proves itself against the chain.
    const { round: root } = await service.ports.rounds.readRound(relayer.account, 'final');
    for (const { dataset } of [many[0], many.at(-1)].flatMap((one) => one ?? [])) {
      const proof = await proveInMap(nodePrimitives, readTablePages(table), final.map as MapRoot, dataset.id);
      const shown = { ...final, history: final.historyRoot, proof };
      const leaf = root === null ? null : headInRound(nodePrimitives, root, dataset.id, shown);
      if (leaf?.size !== dataset.end.size) throw new Error('A head is not in the round.');
    }
    costs.push({
      ...{ datasets, round, tableReads: reads, tableWrites: writes, itemsRead: readItems, itemsWritten: writtenItems },
      ...{ rpcRequests: asked.requests, rpcCalls: asked.calls, transactions, gas: Number(receipt.gasUsed) },
      ...{ cpuSeconds: (cpu.user + cpu.system) / 1e6, seconds },
    });
  }
  client.destroy();
  return costs;
}

async function ask(parts: ChildProcess, order: Order): Promise<{ requests: number; calls: number }> {
  parts.send(order);
  const [counts] = (await once(parts, 'message')) as [{ requests: number; calls: number }];
  return counts;
}
