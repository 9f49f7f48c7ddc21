import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../adapters/ethereum/deploy-dissc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { type DatasetWriter, sealBatch } from '../../core/batch/seal-batch.ts';
import { to0x } from '../../core/bytes.ts';
import { type Charter, datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { type Address, type DatasetKey, NO_ACCOUNT } from '../../core/ids.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { EventScanner, Ledger } from '../../core/ports/ledger.ts';
import { proveRecords } from '../../core/protocols/prove-records.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type RunningHost, startHost } from '../../local/host/start-host.ts';
import { fund } from '../../local/stack/fund.ts';
import { type RunningAnvil, startAnvil } from '../../local/stack/start-anvil.ts';
import { blocks, key, type Stores, startStores } from '../functions/start-service.ts';
import { statedOwners } from '../functions/stated-owners.ts';

describe('the local host on a real chain', () => {
  let stores: Stores;
  let anvil: RunningAnvil;
  let host: RunningHost;
  let ledger: Ledger & EventScanner;
  let writer: DatasetWriter;
  let charter: SignedCharter;
  const ownerKey = key();
  const deviceKey = key();
  const operatorKey = key();
  const served = new Map<Address, number>();

  before(async () => {
    let deliver: RunningHost['deliverS3Event'] | null = null;
    stores = await startStores(async (event) => deliver?.(event));
    anvil = await startAnvil({ stateFile: null, mining: { blockTimeMs: 200 } });
    const chain = { rpcUrl: anvil.rpcUrl, chainId: anvil.chainId };
    const rpc = createJsonRpc(chain);
    for (const account of [ownerKey, operatorKey]) await fund(rpc, accountOfKey(account), 10n ** 20n);
    const { dissc } = await deployDissc({ ...chain, signer: createKeySigner(operatorKey) });
    ledger = createDisscLedger({ ...chain, dissc });
    const ports = {
      ...stores.ports,
      owners: statedOwners(served),
      ledger,
      recorder: createDisscRecorder({ ...chain, dissc, signer: createKeySigner(operatorKey) }),
      rounds: createDisscRounds({ ...chain, dissc }),
      roundRecorder: createDisscRoundRecorder({ ...chain, dissc, signer: createKeySigner(operatorKey) }),
    };
    host = await startHost({ ports, lambda: null, anchorEveryMs: 300 });
    deliver = host.deliverS3Event;
    const datasetKey = new Uint8Array(randomBytes(32)) as DatasetKey;
    const unsigned: Charter = {
      ...{ owner: accountOfKey(ownerKey), name: encodeDatasetName('bench'), kind: ENCRYPTED },
      ...{ device: accountOfKey(deviceKey), anchorer: NO_ACCOUNT, serial: Math.floor(Date.now() / 1000), from: 0 },
    };
    charter = { ...unsigned, signature: signCharter(ledger.domain, unsigned, ownerKey) };
    const dataset = datasetOfCharter(ledger.domain, charter);
    writer = {
      ...{ dataset, kind: ENCRYPTED, serial: charter.serial, datasetKey, deviceKey },
      domain: ledger.domain,
    };
  });
  after(async () => {
    await host.close();
    await anvil.stop();
    await stores.close();
  });

  test('an owner who is not served stores nothing; once served, batches become recorded and final', async () => {
    const clientOf = (account: Uint8Array) =>
      createStorageServiceClient({
        runtime: nodeRuntime,
        apiUrl: host.apiUrl,
        chainId: anvil.chainId,
        account: new Wallet(to0x(account)),
      });
    const uploader = clientOf(deviceKey);
    const owner = clientOf(ownerKey);
    let end = EMPTY_PEAKS;
    const seal = (sizes: readonly number[]) => {
      const sealed = sealBatch(nodePrimitives, writer, end, blocks(sizes), new Uint8Array(randomBytes(16)));
      end = sealed.end;
      return sealed;
    };
    const upload = async ({ segment, manifest }: ReturnType<typeof seal>) => {
      const { car, sha256 } = segment;
      const input = { first: manifest.first, sha256, sizeBytes: car.length };
      const { put } = await uploader.uploadSegment(writer.dataset, input);
      const body = car as Uint8Array<ArrayBuffer>;
      const stored = await fetch(put!.url, { method: 'PUT', headers: put!.headers, body });
      assert.equal(stored.status, 200, await stored.text());
    };
    const batches = [seal([500, 600]), seal([700]), seal([10, 20, 30])];
    // Nobody has shown a charter: the dataset is nobody's.
    await assert.rejects(upload(batches[0]!), { type: '/problems/not-found' });
    await assert.rejects(owner.putCharter(writer.dataset, charter), { type: '/problems/not-served' });
    served.set(accountOfKey(ownerKey), 2 ** 30);
    assert.deepEqual(await uploader.putCharter(writer.dataset, charter), { stored: true });
    served.clear();
    // That there was none is kept for a second.
    await sleep(1_100);
    await assert.rejects(upload(batches[0]!), { type: '/problems/not-served' });
    served.set(accountOfKey(ownerKey), 2 ** 30);
    // The last one first: the log waits for what it stands on.
    for (const batch of batches.toReversed()) await upload(batch);

    const seen = new Set<string>();
    const until = performance.now() + 20_000;
    for (let done = false; !done; ) {
      assert.ok(performance.now() < until, `still ${[...seen].join()}`);
      const list = await owner.listBatches(writer.dataset, { by: 'block' });
      for (const line of list.batches) seen.add(line.state);
      done = list.batches.length === 3 && list.batches.every(({ state, tx }) => state === 'final' && tx !== null);
      if (!done) await sleep(50);
    }
    assert.ok(!seen.has('rejected') && !seen.has('superseded'), [...seen].join());

    const { heads } = await ledger.readHeads([writer.dataset], 'final');
    assert.equal(heads[0]!.size, 6);
    const found = await proveRecords({ hasher: nodePrimitives, records: owner }, [heads[0]!], [0, 2, 5]);
    assert.deepEqual(found.proven.map(({ index }) => index).sort(), [0, 2, 5]);
    const { batches: byTime } = await owner.listBatches(writer.dataset, {
      by: 'time',
      from: 1_700_000_000_500,
      to: 1_700_000_001_500,
    });
    assert.deepEqual(byTime.map(({ first }) => first).sort(), [0, 3]);
  });
});
