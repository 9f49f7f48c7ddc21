import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../adapters/ethereum/deploy-dissc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscOwner } from '../../adapters/ethereum/dissc-owner.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { datasetOfCharter, type SignedCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, type DatasetId, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { fund } from '../../local/stack/fund.ts';
import { LOCAL_CHAIN_ID, startAnvil } from '../../local/stack/start-anvil.ts';

const TRANSFER_GAS = '0x5208';
const SERIAL = 1_790_000_000;

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-stack-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const rpcOf = (rpcUrl: string): JsonRpc => createJsonRpc({ rpcUrl, chainId: LOCAL_CHAIN_ID });
const newSigner = () => createKeySigner(nodePrimitives.randomBytes(32) as PrivateKey);

async function blockNumber(rpc: JsonRpc, tag: string): Promise<number> {
  const block = (await rpc.call('eth_getBlockByNumber', [tag, false])) as { number: string };
  return Number(block.number);
}

async function until(what: () => Promise<boolean>, waitMs = 20_000): Promise<void> {
  const end = performance.now() + waitMs;
  while (!(await what())) {
    assert.ok(performance.now() < end, `not within ${waitMs} ms: ${what}`);
    await sleep(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the local chain', () => {
  it('mines what is pending, later makes it final, and then rests', async () => {
    const anvil = await startAnvil({ stateFile: null, mining: { blockTimeMs: 200 } });
    try {
      const rpc = rpcOf(anvil.rpcUrl);
      const signer = newSigner();
      await fund(rpc, signer.account, 10n ** 18n);
      const { dissc } = await deployDissc({ rpcUrl: anvil.rpcUrl, chainId: anvil.chainId, signer });
      const at = await blockNumber(rpc, 'latest');
      assert.ok((await blockNumber(rpc, 'finalized')) < at, 'recorded is not final');
      await until(async () => (await blockNumber(rpc, 'finalized')) >= at);
      const settled = await blockNumber(rpc, 'latest');
      await sleep(600);
      assert.equal(await blockNumber(rpc, 'latest'), settled, 'an idle chain does not grow');
      const again = await deployDissc({ rpcUrl: anvil.rpcUrl, chainId: anvil.chainId, signer: newSigner() });
      assert.deepEqual(again, { dissc, fromBlock: 0 }, 'deployed once');
    } finally {
      await anvil.stop();
    }
    assert.equal(isAlive(anvil.pid), false);
  });

  it('goes on where it was stopped, with the same final block', async (t) => {
    const stateFile = join(await tempFolder(t), 'state.json');
    const options = { stateFile, mining: { blockTimeMs: 100 } };
    const signer = newSigner();
    const device = newSigner().account;
    let dissc: Address;
    let dataset: DatasetId;
    const first = await startAnvil(options);
    try {
      await fund(rpcOf(first.rpcUrl), signer.account, 10n ** 18n);
      const chain = { rpcUrl: first.rpcUrl, chainId: first.chainId };
      dissc = (await deployDissc({ ...chain, signer })).dissc;
      const owner = createDisscOwner({ ...chain, dissc, signer });
      const name = encodeDatasetName('kept');
      const charter: SignedCharter = {
        ...{ owner: signer.account, name, kind: ENCRYPTED, device, anchorer: NO_ACCOUNT, serial: SERIAL, from: 0 },
        // The owner itself sends it.
        signature: null,
      };
      await owner.recordCharters([charter]);
      dataset = datasetOfCharter({ chainId: chain.chainId, dissc }, charter);
    } finally {
      await first.stop();
    }
    const second = await startAnvil(options);
    try {
      const ledger = createDisscLedger({ rpcUrl: second.rpcUrl, chainId: second.chainId, dissc });
      const { devices, point } = await ledger.readDevices([dataset], 'final');
      assert.deepEqual(devices, [{ device, serial: SERIAL }]);
      assert.ok(point.blockNumber > 0);
      assert.equal(await blockNumber(rpcOf(second.rpcUrl), 'safe'), point.blockNumber + 1);
    } finally {
      await second.stop();
    }
  });

  it('never takes back what was final when it is killed at any moment', async (t) => {
    const folder = await tempFolder(t);
    const options = { stateFile: join(folder, 'state.json'), mining: { blockTimeMs: 50 } };
    const signer = newSigner();
    let finalNonce = 0;
    for (let round = 0; round < 6; round++) {
      const anvil = await startAnvil(options);
      const rpc = rpcOf(anvil.rpcUrl);
      const nonce = async (tag: string) => Number(await rpc.call('eth_getTransactionCount', [signer.account, tag]));
      try {
        if (round === 0) {
          // A state of some size, so that writing it takes a while.
          for (let i = 1; i <= 300; i++) await fund(rpc, `0x${String(i).padStart(40, '0')}` as Address, 1n);
        }
        assert.ok((await nonce('latest')) >= finalNonce, `round ${round} begins with ${await nonce('latest')}`);
        await fund(rpc, signer.account, 10n ** 18n);
        await rpc.call('anvil_impersonateAccount', [signer.account]);
        const killAt = performance.now() + 100 + 400 * Math.random();
        while (performance.now() < killAt) {
          const transfer = { from: signer.account, to: signer.account, value: '0x0', gas: TRANSFER_GAS };
          await rpc.call('eth_sendTransaction', [transfer]);
          finalNonce = Math.max(finalNonce, await nonce('finalized'));
        }
      } finally {
        process.kill(anvil.pid, 'SIGKILL');
        await anvil.exited;
        await anvil.stop();
      }
    }
    assert.ok(finalNonce > 0);
    assert.ok((await readdir(folder)).includes('state.json'));
  });

  it('ends when its parent is killed', async () => {
    const module = fileURLToPath(new URL('../../local/stack/start-anvil.ts', import.meta.url));
    const script = `import { startAnvil } from ${JSON.stringify(module)};
      const anvil = await startAnvil({ stateFile: null });
      console.log(anvil.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    assert.ok(isAlive(pid));
    parent.kill('SIGKILL');
    await until(async () => !isAlive(pid));
  });

  it('says that its port is taken', async (t) => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    await assert.rejects(startAnvil({ stateFile: null, door: { port } }), (error: unknown) => {
      assert.ok(error instanceof LedgerUnavailableError);
      assert.match(error.shortMessage, /in use/i);
      return true;
    });
  });

  it('says that its state is damaged, and leaves it alone', async (t) => {
    const stateFile = join(await tempFolder(t), 'state.json');
    await writeFile(stateFile, '{"block":');
    await assert.rejects(startAnvil({ stateFile }), { name: 'LedgerUnavailableError', message: /state/ });
    assert.deepEqual(await readdir(join(stateFile, '..')), ['state.json']);
  });
});
