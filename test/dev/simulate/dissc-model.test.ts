import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePrimitives as primitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { deployContracts, deployedAddress } from '../../../adapters/ethereum/deploy-contracts.ts';
import { DISSC } from '../../../adapters/ethereum/deploy-dissc.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../../adapters/ethereum/dissc-recorder.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { readChainPoint } from '../../../adapters/ethereum/read-chain-point.ts';
import { waitForReceipt } from '../../../adapters/ethereum/wait-for-receipt.ts';
import { fromHex } from '../../../core/bytes.ts';
import { type Charter, datasetOfCharter, type SignedCharter, signCharter } from '../../../core/charter/charter.ts';
import { encodeDatasetName } from '../../../core/charter/dataset-name.ts';
import { PLAIN } from '../../../core/charter/kind.ts';
import { ArgumentError, StateError } from '../../../core/errors.ts';
import { NO_ACCOUNT, type PrivateKey } from '../../../core/ids.ts';
import { growthOfLeaves } from '../../../core/log/build-growth.ts';
import { growPeaks } from '../../../core/log/growth.ts';
import { signHead } from '../../../core/log/head.ts';
import { EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../../core/log/peaks.ts';
import type { RecordCall, Update } from '../../../core/ports/ledger.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { type DisscEvent, type DisscState, recordOnDissc } from '../../../dev/simulate/chain/dissc-model.ts';
import { createRandom } from '../../../dev/simulate/time/seeded-random.ts';
import { fund } from '../../../local/stack/fund.ts';
import { startAnvil } from '../../../local/stack/start-anvil.ts';

const CALLS = 60;
const DATASETS = 3;
const WITHIN_MS = 60_000;

/** One dataset of the test, with the log that DISSC has of it. */
interface Written {
  readonly ownerKey: PrivateKey;
  deviceKey: PrivateKey;
  charter: SignedCharter;
  end: Peaks;
}

test(`the model and DISSC on a chain answer ${CALLS} calls alike, right ones and spoilt ones`, async (context) => {
  const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
  context.after(() => anvil.stop());
  const { rpcUrl, chainId } = anvil;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const random = createRandom(0x5eed);
  const dissc = deployedAddress(DISSC);
  const parts = { rpcUrl, chainId, dissc };
  const domain = { chainId, dissc };
  const signer = createKeySigner(random.bytes(32) as PrivateKey);
  await fund(rpc, signer.account, 10n ** 20n);
  await deployContracts({ rpcUrl, chainId, signer }, [DISSC]);
  const recorder = createDisscRecorder({ ...parts, signer });
  const ledger = createDisscLedger(parts);
  const latest = () => readChainPoint(rpc, 'latest');
  const seconds = async (): Promise<number> => Math.floor((await latest()).timestampMs / 1000);
  const beganSeconds = await seconds();

  const sign = (charter: Charter, key: PrivateKey): SignedCharter => ({
    ...charter,
    signature: signCharter(domain, charter, key),
  });
  const written = Array.from({ length: DATASETS }, (_, number): Written => {
    const [ownerKey, deviceKey] = [random.bytes(32) as PrivateKey, random.bytes(32) as PrivateKey];
    const charter: Charter = {
      ...{ owner: accountOfKey(ownerKey), name: encodeDatasetName(`model ${number}`), kind: PLAIN },
      ...{ device: accountOfKey(deviceKey), anchorer: NO_ACCOUNT, serial: beganSeconds, from: 0 },
    };
    return { ownerKey, deviceKey, charter: sign(charter, ownerKey), end: EMPTY_PEAKS };
  });

  /** What the dataset's device would send, or something that is wrong in one way. */
  const draw = (one: Written): Update => {
    const dataset = datasetOfCharter(domain, one.charter);
    const leaves = Array.from({ length: random.between(1, 20) }, () => random.bytes(32));
    const growth = growthOfLeaves(primitives, one.end, leaves);
    const end = growPeaks(primitives, one.end, one.end.size + leaves.length, growth.appended);
    const head = { dataset, size: end.size, root: rootOfPeaks(primitives, end) };
    const { peaks, appended } = growth;
    const update = { ...head, peaks, appended, signature: signHead(domain, head, one.deviceKey) };
    const spoilt = { ...head, root: random.bytes(32) as typeof head.root };
    return random.pick<() => Update>([
      () => update,
      () => update,
      () => update,
      () => ({ ...update, size: update.size + 1 }),
      () => ({ ...update, size: Math.max(1, one.end.size) }),
      () => ({ ...update, peaks: [...peaks, random.bytes(32)] }),
      () => ({ ...update, peaks: peaks.map(() => random.bytes(32)) }),
      () => ({ ...update, appended: appended.slice(1) }),
      () => ({ ...update, appended: appended.map(() => random.bytes(32)) }),
      () => ({ ...update, ...spoilt, signature: signHead(domain, spoilt, one.deviceKey) }),
      () => ({ ...update, signature: signHead(domain, head, one.ownerKey) }),
      () => ({ ...update, signature: update.signature.slice(0, 64) }),
    ])();
  };
  const drawCharter = (one: Written): SignedCharter => {
    const next = { ...one.charter, serial: one.charter.serial + random.between(1, 5) };
    const device = random.bytes(32) as PrivateKey;
    return random.pick<() => SignedCharter>([
      () => one.charter,
      () => one.charter,
      () => {
        one.deviceKey = device;
        one.charter = sign({ ...next, device: accountOfKey(device) }, one.ownerKey);
        return one.charter;
      },
      () => sign(next, device),
      () => sign({ ...next, anchorer: signer.account }, one.ownerKey),
      () => sign({ ...next, serial: beganSeconds + 3 * 86_400 }, one.ownerKey),
    ])();
  };

  let state: DisscState = new Map();
  const events: DisscEvent[] = [];
  const outcomes = { reverted: 0, accepted: 0, refused: 0 };
  let nonce = (await recorder.nonces()).latest;
  for (let number = 0; number < CALLS; number++) {
    const former = written.map((one) => ({ ...one }));
    const call: RecordCall = {
      charters: written.filter(() => random.chance(0.4)).map(drawCharter),
      updates: written.filter(() => random.chance(0.7)).map(draw),
    };
    const when = { sender: signer.account, timestampSeconds: await seconds() };
    const modelled = recordOnDissc(domain, state, call, when);
    const real = await recorder.simulate(call).catch((cause) => {
      assert.ok(cause instanceof ArgumentError || cause instanceof StateError, String(cause));
      return null;
    });
    assert.deepEqual(modelled?.accepted ?? null, real?.accepted ?? null, `call ${number}`);
    if (modelled === null || real === null) {
      outcomes.reverted++;
      for (const [place, one] of written.entries()) Object.assign(one, former[place]);
      continue;
    }
    const transaction = await recorder.prepare(call, { nonce: nonce++, gas: 2n * real.gas });
    await recorder.broadcast(transaction);
    // The node may answer before it has mined it.
    await waitForReceipt(rpc, transaction.hash, WITHIN_MS);
    state = modelled.state;
    events.push(...modelled.events);
    for (const [place, update] of call.updates.entries()) {
      if (modelled.accepted[place] !== true) {
        outcomes.refused++;
        continue;
      }
      outcomes.accepted++;
      const one = written.find(({ charter }) => datasetOfCharter(domain, charter) === update.dataset) as Written;
      one.end = growPeaks(primitives, one.end, update.size, update.appended);
    }
    const datasets = written.map(({ charter }) => datasetOfCharter(domain, charter));
    const { heads } = await ledger.readHeads(datasets, 'latest');
    const { devices } = await ledger.readDevices(datasets, 'latest');
    for (const [place, dataset] of datasets.entries()) {
      const known = state.get(dataset);
      assert.deepEqual(heads[place], known?.head ?? { dataset, size: 0, root: fromHex(`0x${'00'.repeat(32)}`) });
      assert.deepEqual(devices[place], known === undefined ? null : { device: known.device, serial: known.serial });
    }
  }
  for (const [what, count] of Object.entries(outcomes)) assert.ok(count >= 5, `only ${count} ${what}`);
  const newest = (await latest()).blockNumber;
  for (const { charter } of written) {
    const dataset = datasetOfCharter(domain, charter);
    const recorded = (await ledger.findRecorded(dataset, 0, newest)).map(({ size, root, appended, signer: by }) => {
      return { event: 'recorded' as const, dataset, signer: by, size, root, appended };
    });
    const chartered = (await ledger.findChartered({ dataset }, 0, newest)).map((one) => {
      return { event: 'chartered' as const, dataset, charter: one.charter };
    });
    const of = (kind: DisscEvent['event']) =>
      events.filter((one) => one.event === kind && 'dataset' in one && one.dataset === dataset);
    assert.deepEqual(recorded, of('recorded'));
    assert.deepEqual(chartered, of('chartered'));
  }
});
