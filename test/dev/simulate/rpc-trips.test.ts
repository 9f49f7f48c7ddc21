import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { deployContracts, deployedAddress } from '../../../adapters/ethereum/deploy-contracts.ts';
import { DISSC } from '../../../adapters/ethereum/deploy-dissc.ts';
import { createDisscFinality } from '../../../adapters/ethereum/dissc-finality.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../../adapters/ethereum/dissc-rounds.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import { waitForReceipt } from '../../../adapters/ethereum/wait-for-receipt.ts';
import { to0x, toHex } from '../../../core/bytes.ts';
import type { DatasetId, PrivateKey, RoundBody } from '../../../core/ids.ts';
import { NO_ROUND } from '../../../core/rounds/round.ts';
import { countRpc } from '../../../dev/bench/fleet/count-rpc.ts';
import { anchorOnDissc, type RoundsState } from '../../../dev/simulate/chain/dissc-model.ts';
import { RPC_TRIPS, type RpcTrips } from '../../../dev/simulate/chain/rpc-trips.ts';
import { createRandom } from '../../../dev/simulate/time/seeded-random.ts';
import { fund } from '../../../local/stack/fund.ts';
import { startAnvil } from '../../../local/stack/start-anvil.ts';

const WITHIN_MS = 60_000;

test('the simulated node is asked as often as the adapters ask a real one, and its rounds are DISSC’s', async (context) => {
  const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
  const proxy = await countRpc(anvil.rpcUrl);
  context.after(async () => {
    proxy.close();
    await anvil.stop();
  });
  const random = createRandom(7);
  const signer = createKeySigner(random.bytes(32) as PrivateKey);
  const direct = createJsonRpc(anvil);
  await fund(direct, signer.account, 10n ** 20n);
  await deployContracts({ rpcUrl: anvil.rpcUrl, chainId: anvil.chainId, signer }, [DISSC]);
  // Final blocks that have DISSC.
  for (let i = 0; i < 100; i++) await direct.call('evm_mine', []);
  const parts = { rpcUrl: proxy.url, chainId: anvil.chainId, dissc: deployedAddress(DISSC), signer };
  const [ledger, recorder] = [createDisscLedger(parts), createDisscRecorder(parts)];
  const [reader, writer] = [createDisscRounds(parts), createDisscRoundRecorder(parts)];
  const counted = async <T>(what: string, expected: (answer: T) => RpcTrips, run: () => Promise<T>): Promise<T> => {
    proxy.takeTrips();
    const answer = await run();
    assert.deepEqual(proxy.takeTrips(), expected(answer), what);
    return answer;
  };
  // Each asks once which chain it is on.
  await ledger.readHeads([], 'latest');
  await recorder.balanceWei();
  await reader.readRound(signer.account, 'latest');
  const options = { nonce: (await recorder.nonces()).latest, gas: 100_000n };
  await writer.simulateRound({ previous: NO_ROUND, body: random.bytes(32) as RoundBody });
  await writer.prepareRound({ previous: NO_ROUND, body: random.bytes(32) as RoundBody }, options);

  for (const count of [1, 200, 1_501]) {
    const datasets = Array.from({ length: count }, () => `0x${toHex(random.bytes(32))}` as DatasetId);
    for (const anchor of ['latest', 'final'] as const) {
      await counted(
        `heads of ${count}`,
        () => RPC_TRIPS.readHeads(count),
        () => ledger.readHeads(datasets, anchor),
      );
      await counted(
        `devices of ${count}`,
        () => RPC_TRIPS.readDevices(count),
        () => ledger.readDevices(datasets, anchor),
      );
    }
  }
  const none = { charters: [], updates: [] };
  await counted('simulate', RPC_TRIPS.simulate, () => recorder.simulate(none));
  await counted('prepare', RPC_TRIPS.prepare, () => recorder.prepare(none, options));
  await counted('balance', RPC_TRIPS.balance, () => recorder.balanceWei());
  await counted('nonces', RPC_TRIPS.nonces, () => recorder.nonces());
  await counted(
    'events',
    () => RPC_TRIPS.findEvents(0, 50),
    () => ledger.findAllRecorded(0, 50),
  );

  let state: RoundsState = new Map();
  const made: { hash: string; body: RoundBody }[] = [];
  for (let number = 0; number < 3; number++) {
    const call = { previous: state.get(signer.account) ?? NO_ROUND, body: random.bytes(32) as RoundBody };
    await counted('simulate a round', RPC_TRIPS.simulateRound, () => writer.simulateRound(call));
    const nonce = options.nonce + number;
    const signed = await counted('prepare a round', RPC_TRIPS.prepare, () =>
      writer.prepareRound(call, { nonce, gas: 100_000n }),
    );
    await counted('broadcast', RPC_TRIPS.broadcast, () => recorder.broadcast(signed));
    // The node may answer before it has mined it.
    await waitForReceipt(direct, signed.hash, WITHIN_MS);
    await counted('receipt', RPC_TRIPS.receipt, () => recorder.receipt(signed.hash));
    const read = await counted('the round', RPC_TRIPS.readRound, () => reader.readRound(signer.account, 'latest'));
    const when = { sender: signer.account, timestampSeconds: read.point.timestampMs / 1000 };
    const modelled = anchorOnDissc(state, call, when);
    assert.ok(modelled !== null);
    assert.deepEqual(read.round, modelled.rounds.get(signer.account));
    assert.equal(anchorOnDissc(modelled.rounds, call, when), null, 'the same again');
    assert.equal(await writer.simulateRound(call), null, 'the same again, on the chain');
    state = modelled.rounds;
    made.push({ hash: signed.hash, body: call.body });
  }
  for (let i = 0; i < 100; i++) await direct.call('evm_mine', []);
  const finality = createDisscFinality(parts, { ledger, rounds: reader });
  await finality.readFinalRound(signer.account);
  const final = await counted('the final round', RPC_TRIPS.readFinal, () => finality.readFinalRound(signer.account));
  assert.deepEqual(final, (await reader.readRound(signer.account, 'final')).round);
  const anywhere = `0x${toHex(random.bytes(32))}` as DatasetId;
  const head = await counted('the final head', RPC_TRIPS.readFinal, () => finality.readFinalHead(anywhere));
  assert.deepEqual([head], (await ledger.readHeads([anywhere], 'final')).heads);
  // A node that is told how deep final blocks lie names none by a tag.
  const deep = { ...parts, finalDepth: 3 };
  const deepReader = createDisscRounds(deep);
  const byDepth = createDisscFinality(deep, { ledger: createDisscLedger(deep), rounds: deepReader });
  assert.deepEqual(await byDepth.readFinalRound(signer.account), final);
  assert.equal((await byDepth.readFinalHead(anywhere)).size, 0);

  const { point } = await reader.readRound(signer.account, 'latest');
  const found = await counted(
    'rounds',
    (rounds) => [...RPC_TRIPS.findEvents(0, point.blockNumber), ...RPC_TRIPS.blockTimes(rounds.length)],
    () => reader.findRounds(signer.account, 0, point.blockNumber),
  );
  assert.deepEqual(
    found.map(({ body, txHash }) => ({ hash: txHash, body: to0x(body) })),
    made.map(({ hash, body }) => ({ hash, body: to0x(body) })),
  );
  const { round: root, txHash } = found[1] as (typeof found)[number];
  await counted('the block of a round', RPC_TRIPS.findBlock, () =>
    reader.findBlock({ anchorer: signer.account, root, txHash }),
  );
});
