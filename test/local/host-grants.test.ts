import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
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
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { to0x } from '../../core/bytes.ts';
import { type Charter, datasetOfCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { type DatasetKind, ENCRYPTED } from '../../core/charter/kind.ts';
import type { RequestRefusedError } from '../../core/errors.ts';
import { type DatasetKey, NO_ACCOUNT } from '../../core/ids.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { startHost } from '../../local/host/start-host.ts';
import { fund } from '../../local/stack/fund.ts';
import { type RunningAnvil, startAnvil } from '../../local/stack/start-anvil.ts';
import { blocks, key, type Stores, startStores } from '../functions/start-service.ts';

const ETHER = 10n ** 18n;
const PER_RECORD_WEI = ETHER / 100n;
const FUEL_WEI = ETHER;
const WAIT_MS = 30_000;

describe('a host that serves whoever pays', () => {
  let stores: Stores;
  let anvil: RunningAnvil;
  before(async () => {
    stores = await startStores(async (event) => deliver?.(event));
    anvil = await startAnvil({ stateFile: null, mining: { blockTimeMs: 200 } });
  });
  after(async () => {
    await anvil?.stop();
    await stores?.close();
  });
  let deliver: Awaited<ReturnType<typeof startHost>>['deliverS3Event'] | null = null;

  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const endMs = performance.now() + WAIT_MS; !(await holds()); await sleep(50)) {
      assert.ok(performance.now() < endMs, `${what}: not within ${WAIT_MS} ms`);
    }
  };

  test('an owner nobody knows proposes, pays in fuel, stores, and has its batches recorded together', async (t) => {
    const [ownerKey, deviceKey, operatorKey] = [key(), key(), key()];
    const chain = { rpcUrl: anvil.rpcUrl, chainId: anvil.chainId };
    for (const account of [ownerKey, operatorKey]) await fund(createJsonRpc(chain), accountOfKey(account), 10n * ETHER);
    const signer = createKeySigner(operatorKey);
    const dissc = disscAddress();
    const deployable = deployableAsc({ dissc });
    await deployContracts({ ...chain, signer }, [DISSC, deployable]);
    const asc = deployedAddress(deployable);
    const ledger = createDisscLedger({ ...chain, dissc });
    const grants = createAscLedger({ ...chain, asc });
    const ports = {
      ...{ ...stores.ports, ledger, grants, recorder: createDisscRecorder({ ...chain, dissc, signer }) },
      ...{
        rounds: createDisscRounds({ ...chain, dissc }),
        grantRecorder: createAscRecorder({ ...chain, asc, signer }),
      },
      roundRecorder: createDisscRoundRecorder({ ...chain, dissc, signer }),
    };
    const host = await startHost({
      ...{ ports, lambda: null, anchorEveryMs: 200, recordEveryMs: 4_000 },
      grants: { minPerRecordWei: PER_RECORD_WEI, openQuotaBytes: 100_000 },
    });
    t.after(() => host.close());
    deliver = host.deliverS3Event;

    const owner = createKeySigner(ownerKey);
    const device = accountOfKey(deviceKey);
    const [name, serial] = [encodeDatasetName('barn'), Math.floor(Date.now() / 1000)];
    const kind: DatasetKind = ENCRYPTED;
    const unsigned: Charter = { owner: owner.account, name, kind, device, anchorer: NO_ACCOUNT, serial, from: 0 };
    const charter = { ...unsigned, signature: signCharter(ledger.domain, unsigned, ownerKey) };
    const dataset = datasetOfCharter(ledger.domain, charter);
    const datasetKey = new Uint8Array(randomBytes(32)) as DatasetKey;
    const writer = { dataset, datasetKey, deviceKey, domain: ledger.domain, kind, serial };
    let end = EMPTY_PEAKS;
    const uploader = createStorageServiceClient({
      runtime: nodeRuntime,
      apiUrl: host.apiUrl,
      ...chain,
      account: new Wallet(to0x(deviceKey)),
    });
    const upload = async (sizes: readonly number[]): Promise<void> => {
      const { manifest, segment, end: next } = sealBatch(nodePrimitives, writer, end, blocks(sizes), randomNonce());
      const { car, sha256 } = segment;
      const { put } = await uploader.uploadSegment(dataset, { first: manifest.first, sha256, sizeBytes: car.length });
      const stored = await fetch(put!.url, {
        method: 'PUT',
        headers: put!.headers,
        body: car as Uint8Array<ArrayBuffer>,
      });
      assert.equal(stored.status, 200, await stored.text());
      end = next;
    };

    await assert.rejects(uploader.putCharter(dataset, charter), (error: RequestRefusedError) => {
      assert.equal(error.type, '/problems/not-served');
      // Whoever is turned away learns what to do.
      assert.ok(error.message.includes(`to ${signer.account}, at ${PER_RECORD_WEI} wei`), error.message);
      return true;
    });
    const party = createAscParty({ ...chain, asc, signer: owner });
    const { point } = await ledger.readHeads([], 'latest');
    const { grant } = await party.authorise(
      { name, kind },
      {
        ...{ dataset, css: signer.account, perRecordWei: PER_RECORD_WEI, first: 0, count: 1_000 },
        ...{ digests: true, blocks: false, maxBlocks: 0, windowSeconds: 60, intervalSeconds: 0 },
        untilSeconds: Math.floor(point.timestampMs / 1000) + 3600,
      },
    );
    await until('accepted in a final block', async () => {
      const [read] = (await grants.readGrants([grant], 'final')).grants;
      return read?.state === 'accepted';
    });
    await party.fund(grant, FUEL_WEI);
    assert.deepEqual(await uploader.putCharter(dataset, charter), { stored: true });

    for (const size of [100, 200, 300]) await upload([size]);
    await assert.rejects(upload([150_000]), { type: '/problems/quota' });
    await until('recorded', async () => (await ledger.readHeads([dataset], 'latest')).heads[0]?.size === 3);
    const head = (await ledger.readHeads([], 'latest')).point.blockNumber;
    assert.equal((await ledger.findRecorded(dataset, 0, head)).length, 1, 'under one signature');
    const [read] = (await grants.readGrants([grant], 'latest')).grants;
    assert.equal(read?.fuelWei, FUEL_WEI - PER_RECORD_WEI);
    assert.equal(await grants.readCreditWei(signer.account, 'latest'), PER_RECORD_WEI);
  });
});

function randomNonce(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}
