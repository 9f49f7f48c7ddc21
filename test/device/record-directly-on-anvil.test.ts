import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC } from '../../adapters/ethereum/deploy-dissc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import type { Address, PrivateKey } from '../../core/ids.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import {
  accountOf,
  newWriter,
  type RunningDevice,
  restore,
  restoreStream,
  startDevice,
  temporaryFolder,
} from './fixture.ts';
import { pushSource } from './push-source.ts';
import { startRemote } from './remote.ts';

/*
 * A device that records by itself, with its real adapters on a real DISSC: anvil takes back blocks that were not final. (Many more
 * ways on a chain in memory: record-directly.test.ts.)
 */

/** Blocks above a final one: as many as are taken back below stay open until then. */
const FINAL_DEPTH = 12;
const BALANCE_WEI = 10n ** 20n;

async function setUp(context: TestContext) {
  const anvil = await startAnvil({ stateFile: null, mining: 'instant' });
  context.after(() => anvil.stop());
  const { rpcUrl, chainId } = anvil;
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const deployer = createKeySigner(nodePrimitives.randomBytes(32) as PrivateKey);
  await fund(rpc, deployer.account, BALANCE_WEI);
  await deployContracts({ rpcUrl, chainId, signer: deployer }, [DISSC]);
  const dissc = deployedAddress(DISSC);
  const writer = newWriter({ dissc });
  const account = accountOf(writer);
  await fund(rpc, account, BALANCE_WEI);
  // DISSC itself is in a final block.
  await mine(rpc, FINAL_DEPTH);
  const remote = await startRemote(writer);
  remote.relaying = false;
  context.after(() => remote.close());
  const parts = { rpcUrl, chainId, dissc, finalDepth: FINAL_DEPTH };
  const ports = {
    service: remote.service,
    ledger: createDisscLedger(parts),
    recorder: createDisscRecorder({ ...parts, signer: createKeySigner(writer.deviceKey) }),
  };
  const outboxPath = join(temporaryFolder(context), 'o');
  const start = () => {
    const source = pushSource();
    return {
      source,
      device: startDevice({ remote: ports, writer, outboxPath, source, direct: true }, { replaceAfterMs: 60_000 }),
    };
  };
  return { rpc, writer, account, remote, ports, start };
}

const mine = (rpc: JsonRpc, blocks: number) => rpc.call('anvil_mine', [`0x${blocks.toString(16)}`]);

/** Sent by the device and on the chain, as the device sees it. */
async function recordLine(
  { device, source }: ReturnType<Awaited<ReturnType<typeof setUp>>['start']>,
  line: string,
  size: number,
) {
  await source.line(line);
  const sent = await device.event('sent', ({ blocks }) => blocks === size);
  await device.event('recorded', ({ blocks }) => blocks === size);
  return sent.tx;
}

async function pooledNonces(rpc: JsonRpc, account: Address): Promise<{ pending: number[]; queued: number[] }> {
  const pool = (await rpc.call('txpool_content', [])) as Record<'pending' | 'queued', Record<string, object>>;
  const of = (which: 'pending' | 'queued') =>
    Object.entries(pool[which]).flatMap(([address, byNonce]) =>
      address.toLowerCase() === account ? Object.keys(byNonce).map(Number) : [],
    );
  return { pending: of('pending'), queued: of('queued') };
}

const nonceOf = async (rpc: JsonRpc, account: Address) =>
  Number(await rpc.call('eth_getTransactionCount', [account, 'latest']));

const checked = ({ events }: RunningDevice): number =>
  events.reduce((sum, event) => sum + (event.event === 'checked' ? event.blocks : 0), 0);

for (const restarts of [false, true]) {
  test(`a reorganisation drops the first of two transactions, and the node keeps the second${restarts ? ', while the device is not running' : ''}: the device fills the gap`, async (context) => {
    const { rpc, writer, account, remote, ports, start } = await setUp(context);
    const first = start();
    await recordLine(first, 'one\n', 1);
    const kept = await recordLine(first, 'two\n', 2);
    const rawKept = await rpc.call('eth_getRawTransactionByHash', [kept]);
    assert.equal(await nonceOf(rpc, account), 2);
    if (restarts) await first.device.stop();

    // Neither is in the new blocks; what comes later is with the node, and waits there for the nonce before it.
    await rpc.call('evm_setAutomine', [false]);
    await rpc.call('anvil_reorg', [2, []]);
    await rpc.call('anvil_dropAllTransactions', []);
    await rpc.call('eth_sendRawTransaction', [rawKept]);
    assert.equal(await nonceOf(rpc, account), 0);
    const { heads } = await ports.ledger.readHeads([writer.dataset], 'latest');
    assert.equal(heads[0]?.size, 0);
    const { queued } = await pooledNonces(rpc, account);
    if (restarts) assert.deepEqual(queued, [1]);
    await rpc.call('evm_setAutomine', [true]);

    const { device, source } = restarts ? start() : first;
    // What was sent before is sent again; what comes meanwhile follows on it.
    await source.line('three\n');
    await device.event('recorded', ({ blocks }) => blocks === 3);
    await mine(rpc, FINAL_DEPTH);
    await device.event('final', ({ blocks }) => blocks === 3);
    await device.event('checked', () => checked(device) === 3);
    // One look may see the nonce of the old blocks and the log of the new ones, and sign once more than it must: that is mined, too.
    const sent = [...new Set([first.device, device])].flatMap(({ events }) =>
      events.filter(({ event }) => event === 'sent'),
    );
    assert.equal(await nonceOf(rpc, account), sent.length, JSON.stringify(sent));
    assert.deepEqual(await pooledNonces(rpc, account), { pending: [], queued: [] });
    assert.equal(restoreStream(restore(remote, writer)).toString(), 'one\ntwo\nthree\n');
    await device.stop();
  });
}
