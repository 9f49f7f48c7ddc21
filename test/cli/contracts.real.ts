import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';
import { fromHex } from '../../core/bytes.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { loopbackPorts } from '../../dev/real/loopback-ports.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../dev/real/programs/versions.ts';
import { type Daemon, startDaemon } from '../../dev/real/start-daemon.ts';
import { type Ended, runPlumb } from './run-plumb.ts';

/* On a geth node that mines by itself. Its chain has no deployment proxy, and the node as it comes takes none. */

/** geth's developer account, published with it. */
const DEVELOPER_KEY = fromHex('b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291') as PrivateKey;
const DEVELOPER = '0x71562b71999873db5b286df957af199ec94617f7';
const CHAIN_ID = 1337;

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-contracts-real-'));
  const content = { privateKey: DEVELOPER_KEY, mnemonic: null };
  await createKeystore(join(folder, 'operator.json'), content, 'a password', SCRYPT_N_RANDOM_PASSWORD);
  await writeFile(join(folder, 'password'), 'a password\n', { mode: 0o600 });
});
after(() => rm(folder, { recursive: true, force: true }));

async function startGeth(data: string, ...more: string[]): Promise<{ rpcUrl: string; daemon: Daemon }> {
  const [http, engine] = (await loopbackPorts(2)) as [number, number];
  const rpcUrl = `http://127.0.0.1:${http}`;
  const daemon = await startDaemon({
    name: 'geth',
    command: findProgram('geth'),
    parameters: [
      ...[
        '--dev',
        '--dev.period',
        '1',
        '--datadir',
        join(folder, data),
        '--http',
        '--http.addr',
        '127.0.0.1',
        '--http.port',
        String(http),
      ],
      ...['--authrpc.addr', '127.0.0.1', '--authrpc.port', String(engine), '--ipcdisable', '--verbosity', '1', ...more],
    ],
    // Until its first block, geth's pool may not know what the genesis gave to anybody.
    isReady: async () => Number(await createJsonRpc({ rpcUrl, chainId: CHAIN_ID }).call('eth_blockNumber', [])) > 0,
  });
  return { rpcUrl, daemon };
}

const plumb = (...args: string[]): Promise<Ended> => runPlumb(['contracts', ...args, '--json']);
const deploy = (rpcUrl: string): Promise<Ended> => {
  const payer = ['--keystore', join(folder, 'operator.json'), '--password-file', join(folder, 'password')];
  return plumb('deploy', '--rpc', rpcUrl, ...payer, '--min-window', '60', '--out', join(folder, 'out'));
};

describe(`plumb contracts on geth ${VERSIONS.geth}`, { timeout: 120_000 }, () => {
  it('a node that takes no transaction without a chain is named as the reason, before anything is paid', async () => {
    const { rpcUrl, daemon } = await startGeth('strict');
    try {
      const ended = await deploy(rpcUrl);
      assert.equal(ended.exitCode, 3, ended.stdout);
      assert.match(ended.stdout, /allow-unprotected-txs/);
      const rpc = createJsonRpc({ rpcUrl, chainId: CHAIN_ID });
      assert.equal(await rpc.call('eth_getTransactionCount', [DEVELOPER, 'pending']), '0x0');
    } finally {
      await daemon.stop();
    }
  });

  it('another one is given the proxy and the contracts, all as verify expects them', async () => {
    const { rpcUrl, daemon } = await startGeth('lenient', '--rpc.allow-unprotected-txs');
    try {
      const deployed = await deploy(rpcUrl);
      assert.equal(deployed.exitCode, 0, deployed.stdout);
      assert.deepEqual(JSON.parse(deployed.stdout).deployed, ['DISSC', 'OCASC', 'ASC']);
      const verified = await plumb('verify', '--rpc', rpcUrl, '--file', join(folder, 'out', `${CHAIN_ID}.json`));
      assert.equal(verified.exitCode, 0, verified.stdout);
      for (const { block } of JSON.parse(verified.stdout).contracts) assert.equal(block, 'right');

      await rm(join(folder, 'out'), { recursive: true });
      const again = await deploy(rpcUrl);
      assert.deepEqual(JSON.parse(again.stdout).deployed, []);
      assert.deepEqual(JSON.parse(again.stdout).contracts, JSON.parse(deployed.stdout).contracts);
    } finally {
      await daemon.stop();
    }
  });
});
