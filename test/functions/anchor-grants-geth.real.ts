import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { requireDatasetName } from '../../core/charter/dataset-name.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { type GethNetwork, startGethNetwork } from '../../dev/real/geth/start-network.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { admitOwner } from '../../functions/state/owner-entry.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';
import { createService, openTestDataset } from './log-fixture.ts';
import { serviceSettings } from './service-settings.ts';

const ETHER = 10n ** 18n;
const PRICE_WEI = 10n ** 12n;
const MAX_RUNS = 40;

describe('anchor with grants on four geth nodes', { timeout: 240_000 }, () => {
  let network: GethNetwork;
  let dynalite: Awaited<ReturnType<typeof startDynalite>>;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-geth-'));
    dynalite = await startDynalite({ folder: null });
    network = await startGethNetwork({ geth: findProgram('geth'), folder });
  });
  after(async () => {
    await network?.stop();
    await dynalite?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('accepts, relays, is paid to the wei, and again after a reorganisation', async () => {
    const { rpcUrl, chainId, slots } = network;
    const chain = { rpcUrl, chainId };
    const key = newKey();
    const owner = { ...createKeySigner(key), key };
    const relayer = createKeySigner(newKey());
    for (const { account } of [owner, relayer]) await slots.credit(account, 100n * ETHER);
    slots.run(400);
    const dissc = disscAddress();
    const deployable = deployableAsc({ dissc });
    await deployContracts({ ...chain, signer: owner }, [DISSC, deployable]);
    const asc = deployedAddress(deployable);
    const [ledger, grants] = [createDisscLedger({ ...chain, dissc }), createAscLedger({ ...chain, asc })];
    const dataset = openTestDataset(ledger.domain, owner);
    const client = createDynamoClient({
      ...{ region: 'us-east-1', endpoint: dynalite.endpoint, credentials: DYNALITE_CREDENTIALS },
    });
    await createTable(client, 'plumbline');
    const table = createDynamoTable({ client, tableName: 'plumbline' });
    await admitOwner(table, { owner: owner.account, quotaBytes: 2 ** 40 });
    const grantRecorder = createAscRecorder({ ...chain, asc, signer: relayer });
    const recorder = createDisscRecorder({ ...chain, dissc, signer: relayer });
    const rounds = createDisscRounds({ ...chain, dissc });
    const roundRecorder = createDisscRoundRecorder({ ...chain, dissc, signer: relayer });
    const service = createService(
      { ...chain, dissc },
      { ledger, grants, table, recorder, rounds, roundRecorder, grantRecorder },
      serviceSettings({
        cssAccount: relayer.account,
        grants: { minPerRecordWei: PRICE_WEI, openQuotaBytes: null },
      }),
      {},
      relayer,
    );
    const anchorUntil = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
      for (let run = 0; !(await holds()); run++) {
        assert.ok(run < MAX_RUNS, `${what}: not within ${MAX_RUNS} runs`);
        await service.anchor();
        await slots.slot();
      }
    };

    const party = createAscParty({ ...chain, asc, signer: owner });
    const { point } = await ledger.readHeads([], 'latest');
    const { name, kind } = dataset.charter;
    const { grant } = await party.authorise(
      { name: requireDatasetName(name), kind },
      {
        ...{ dataset: dataset.id, css: relayer.account, perRecordWei: PRICE_WEI, first: 0, count: 100 },
        ...{ digests: true, blocks: true, maxBlocks: 10, windowSeconds: 60, intervalSeconds: 0 },
        untilSeconds: Math.floor(point.timestampMs / 1000) + 86_400,
      },
    );
    assert.equal(await createAscRecorder({ ...chain, asc, signer: owner }).simulateAccept(grant), null);
    await slots.pause();
    const read = async () => (await grants.readGrants([grant], 'latest')).grants[0];
    await anchorUntil('accepted', async () => (await read())?.state === 'accepted');
    slots.run(400);
    const fundedWei = 10n * PRICE_WEI;
    await party.fund(grant, fundedWei);
    await slots.pause();

    const size = async () => (await ledger.readHeads([dataset.id], 'latest')).heads[0]?.size;
    await service.fill(dataset, 3);
    await anchorUntil('relayed', async () => (await size()) === 9);
    assert.equal((await read())?.fuelWei, fundedWei - PRICE_WEI);
    await slots.reorg(1);
    await anchorUntil('relayed again', async () => (await size()) === 9);
    await service.fill(dataset, 2);
    await anchorUntil('relayed on', async () => (await size()) === 15);
    assert.equal((await read())?.fuelWei, fundedWei - 2n * PRICE_WEI);
    assert.equal(await grants.readCreditWei(relayer.account, 'latest'), 2n * PRICE_WEI);
    assert.equal(service.counts.get('Anchor.suspended') ?? 0, 0);
    client.destroy();
  });
});

function newKey(): PrivateKey {
  return nodePrimitives.randomBytes(32) as PrivateKey;
}
