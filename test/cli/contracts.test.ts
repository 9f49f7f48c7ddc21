import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { CREATE2_PROXY } from '../../adapters/ethereum/deploy-proxy.ts';
import { type Address, address } from '../../core/ids.ts';
import { type DeploymentsFile, deploymentsFile } from '../../core/wire/deployments-file.ts';
import { fund } from '../../local/stack/fund.ts';
import { KMS_CREDENTIALS, startKmsServer } from '../adapters/kms-server.ts';
import { type ContractsChain, startContractsChain, startRelay } from './contracts-chain.ts';
import { type Ended, runPlumb, spawnPlumb } from './run-plumb.ts';

const NAMES = ['DISSC', 'OCASC', 'ASC'] as const;

const deployArgs = (chain: ContractsChain, out: string, ...more: string[]): string[] => [
  ...['contracts', 'deploy', '--rpc', chain.rpcUrl, ...chain.payer, '--out', out, '--json', ...more],
];

function json(ended: Ended) {
  assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout);
}

async function readDeployed(out: string, chainId = 31337): Promise<DeploymentsFile> {
  return deploymentsFile.parse(JSON.parse(await readFile(join(out, `${chainId}.json`), 'utf8')));
}

/** The file says in which block each came to be: there it is, and in the one before it is not. */
async function assertTrueBlocks({ rpc }: ContractsChain, { contracts }: DeploymentsFile): Promise<void> {
  for (const name of NAMES) {
    const { address: at, block } = contracts[name];
    assert.equal(await rpc.call('eth_getCode', [at, `0x${(block - 1).toString(16)}`]), '0x', name);
    assert.notEqual(await rpc.call('eth_getCode', [at, `0x${block.toString(16)}`]), '0x', name);
  }
}

describe('plumb contracts deploy', () => {
  let folder: string;
  let out: string;
  let chain: ContractsChain;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-contracts-'));
    out = join(folder, 'deployments');
    chain = await startContractsChain(folder);
    stops.push(() => chain.stop());
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    await rm(folder, { recursive: true });
  });

  test('deploys all, says where and in which blocks, and the second time has nothing to do', async () => {
    const said = json(await runPlumb(deployArgs(chain, out)));
    assert.deepEqual(said.deployed, [...NAMES]);
    const deployed = await readDeployed(out);
    assert.deepEqual(said.contracts, deployed.contracts);
    assert.equal(deployed.chainId, 31337);
    const { DISSC, OCASC, ASC } = deployed.contracts;
    assert.deepEqual(OCASC.args, { dissc: DISSC.address, minWindowSeconds: 5, answerGas: 122_000, demandGas: 80_000 });
    assert.deepEqual(ASC.args, { dissc: DISSC.address });
    await assertTrueBlocks(chain, deployed);
    assert.equal(await chain.sent(), 3);

    const again = json(await runPlumb(deployArgs(chain, out)));
    assert.deepEqual(again.deployed, []);
    assert.deepEqual(await readDeployed(out), deployed);
    assert.equal(await chain.sent(), 3, 'nothing was sent');
  });

  test('a file that was lost is written again, with the blocks found on the chain', async () => {
    json(await runPlumb(deployArgs(chain, out)));
    const deployed = await readDeployed(out);
    await chain.rpc.call('anvil_mine', ['0x5']);
    await rm(out, { recursive: true });
    assert.deepEqual(json(await runPlumb(deployArgs(chain, out))).deployed, []);
    assert.deepEqual(await readDeployed(out), deployed);
    await assertTrueBlocks(chain, deployed);

    // anvil keeps the state of so few blocks; a file that is there is believed, and checked by verify.
    for (let i = 0; i < 40; i++) await chain.rpc.call('evm_mine', []);
    json(await runPlumb(deployArgs(chain, out)));
    assert.deepEqual(await readDeployed(out), deployed);
    await rm(out, { recursive: true });
    const ended = await runPlumb(deployArgs(chain, out));
    assert.equal(ended.exitCode, 3);
    assert.match(ended.stdout, /keeps no state of block/);
    assert.ok(!existsSync(out), 'a guessed block is not written');
  });

  test('killed after it has sent the first, it goes on where it was', async () => {
    let sends = 0;
    const relay = await startRelay(chain.rpcUrl, async (method) => {
      if (method === 'eth_sendRawTransaction') sends++;
      if (sends < 2) return true;
      child.kill('SIGKILL');
      return false;
    });
    stops.push(relay.stop);
    const child = spawnPlumb(deployArgs({ ...chain, rpcUrl: relay.rpcUrl }, out));
    const [code, signal] = await once(child, 'exit');
    assert.deepEqual([code, signal], [null, 'SIGKILL']);
    assert.equal(await chain.sent(), 1);
    assert.ok(!existsSync(out));

    const said = json(await runPlumb(deployArgs(chain, out)));
    assert.deepEqual(said.deployed, ['OCASC', 'ASC']);
    assert.equal(await chain.sent(), 3, 'nothing was sent twice');
    await assertTrueBlocks(chain, await readDeployed(out));
  });

  test('the default of a public chain is a window of a day; other choices have other addresses', async () => {
    const public_ = await startContractsChain(await mkdtemp(join(folder, 'public-')), { chainId: 777 });
    stops.push(() => public_.stop());
    json(await runPlumb(deployArgs(public_, out)));
    const a = await readDeployed(out, 777);
    assert.equal(a.contracts.OCASC.args.minWindowSeconds, 86_400);

    const choices = ['--min-window', '60', '--answer-gas', '150000', '--demand-gas', '90000'];
    json(await runPlumb(deployArgs(chain, out, ...choices)));
    const b = await readDeployed(out);
    assert.deepEqual(b.contracts.OCASC.args, {
      ...{ dissc: b.contracts.DISSC.address, minWindowSeconds: 60, answerGas: 150_000, demandGas: 90_000 },
    });
    assert.equal(a.contracts.DISSC.address, b.contracts.DISSC.address);
    assert.equal(a.contracts.ASC.address, b.contracts.ASC.address);
    assert.notEqual(a.contracts.OCASC.address, b.contracts.OCASC.address);
  });

  test('a file about other contracts is not replaced, and nothing is paid for', async () => {
    json(await runPlumb(deployArgs(chain, out)));
    const ended = await runPlumb(deployArgs(chain, out, '--min-window', '60'));
    assert.equal(ended.exitCode, 2);
    assert.match(ended.stdout, /is not replaced/);
    assert.equal(await chain.sent(), 3);
  });

  test('another chain than the one named is refused before anything is sent', async () => {
    const ended = await runPlumb(deployArgs(chain, out, '--chain-id', '1'));
    assert.equal(ended.exitCode, 3);
    assert.match(ended.stdout, /is on chain 31337, not on 1/);
    assert.equal(await chain.sent(), 0);
    assert.ok(!existsSync(out));
  });

  test('a window that OCASC would refuse is refused before anything is sent', async () => {
    const ended = await runPlumb(deployArgs(chain, out, '--min-window', String(30 * 86_400 + 1)));
    assert.equal(ended.exitCode, 2);
    assert.match(ended.stdout, /longest window of 2592000 s/);
    assert.equal(await chain.sent(), 0);
  });

  test('a node that is not there is another exit code', async () => {
    const relay = await startRelay(chain.rpcUrl, async () => true);
    await relay.stop();
    assert.equal((await runPlumb(deployArgs({ ...chain, rpcUrl: relay.rpcUrl }, out))).exitCode, 3);
  });

  test('a chain without the deployment proxy is given it', async () => {
    await chain.rpc.call('anvil_setCode', [CREATE2_PROXY, '0x']);
    const ended = await runPlumb(deployArgs(chain, out).filter((arg) => arg !== '--json'));
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.match(ended.stderr, /lacks the deployment proxy/);
    // The code that the project of the proxy publishes.
    const published =
      '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3';
    assert.equal(await chain.rpc.call('eth_getCode', [CREATE2_PROXY, 'latest']), published);
    await assertTrueBlocks(chain, await readDeployed(out));
    assert.equal(await chain.sent(), 4, 'one to fund it');
  });

  test('killed after it has funded the proxy, it does not fund it again', async () => {
    await chain.rpc.call('anvil_setCode', [CREATE2_PROXY, '0x']);
    let sends = 0;
    const relay = await startRelay(chain.rpcUrl, async (method) => {
      if (method === 'eth_sendRawTransaction') sends++;
      // The proxy's transaction, refused for want of funds; two that tell whether it is that; the funds; and it again.
      if (sends < 5) return true;
      child.kill('SIGKILL');
      return false;
    });
    stops.push(relay.stop);
    const child = spawnPlumb(deployArgs({ ...chain, rpcUrl: relay.rpcUrl }, out));
    await once(child, 'exit');
    assert.equal(await chain.sent(), 1, 'the funds');
    json(await runPlumb(deployArgs(chain, out)));
    assert.equal(await chain.sent(), 4);
  });

  test('an account without ether is told so, with and without the proxy', async () => {
    await fund(chain.rpc, chain.account, 0n);
    for (const code of [null, '0x']) {
      if (code !== null) await chain.rpc.call('anvil_setCode', [CREATE2_PROXY, code]);
      const ended = await runPlumb(deployArgs(chain, out));
      assert.equal(ended.exitCode, 5);
      assert.match(ended.stdout, /has only \d+ wei/);
    }
    assert.ok(!existsSync(out));
  });

  test('pays with a key in KMS', async () => {
    const kms = await startKmsServer();
    stops.push(kms.close);
    const env = {
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
      AWS_ACCESS_KEY_ID: KMS_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KMS_CREDENTIALS.secretAccessKey,
    };
    const payer = ['--kms', kms.keyId, '--region', 'us-east-1'];
    const { account } = json(await runPlumb(['contracts', 'account', ...payer, '--json'], env));
    await fund(chain.rpc, account as Address, 10n ** 18n);
    const said = json(await runPlumb(deployArgs({ ...chain, payer }, out), env));
    assert.equal(said.account, account);
    assert.deepEqual(said.deployed, [...NAMES]);
  });

  test('collects what ASC owes the account that records: nothing yet', async () => {
    json(await runPlumb(deployArgs(chain, out)));
    const file = join(out, '31337.json');
    const collect = ['contracts', 'collect', '--rpc', chain.rpcUrl, '--file', file, ...chain.payer, '--json'];
    const said = json(await runPlumb(collect));
    assert.deepEqual([said.account.toLowerCase(), said.amount, said.transaction], [chain.account, '0', null]);
  });

  test("pays with the owner's account when none is named", async () => {
    const home = join(folder, 'home');
    const password = ['--password-file', join(folder, 'password')];
    const init = ['owner', 'init', ...password, '--mnemonic-out', join(folder, 'mnemonic'), '--json'];
    const { account } = json(await runPlumb(init, { PLUMB_HOME: home }));
    await fund(chain.rpc, account as Address, 10n ** 18n);
    const said = json(await runPlumb(deployArgs({ ...chain, payer: password }, out), { PLUMB_HOME: home }));
    assert.equal(said.account, account);
  });
});

test('killed while the first was on its way, it waits until that is mined', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-contracts-'));
  const chain = await startContractsChain(folder, { mining: 'manual' });
  const out = join(folder, 'deployments');
  let sends = 0;
  const cutting = await startRelay(chain.rpcUrl, async (method) => {
    if (method === 'eth_sendRawTransaction') sends++;
    if (sends < 2) return true;
    child.kill('SIGKILL');
    return false;
  });
  // Now blocks come: one after the command has seen that something is pending, and one for what it sends.
  let asked = 0;
  const mining = await startRelay(chain.rpcUrl, async (method) => {
    if (method === 'eth_getTransactionCount' && ++asked > 2) await chain.rpc.call('evm_mine', []);
    if (method === 'eth_getTransactionReceipt') await chain.rpc.call('evm_mine', []);
    return true;
  });
  const child = spawnPlumb(deployArgs({ ...chain, rpcUrl: cutting.rpcUrl }, out));
  try {
    await once(child, 'exit');
    assert.equal(await chain.sent(), 0);
    const said = json(await runPlumb(deployArgs({ ...chain, rpcUrl: mining.rpcUrl }, out)));
    assert.deepEqual(said.deployed, ['OCASC', 'ASC']);
    assert.equal(await chain.sent(), 3);
    assert.ok(asked > 2, 'it did wait');
    await assertTrueBlocks(chain, await readDeployed(out));
  } finally {
    child.kill('SIGKILL');
    await cutting.stop();
    await mining.stop();
    await chain.stop();
    await rm(folder, { recursive: true });
  }
});

describe('plumb contracts verify', () => {
  let folder: string;
  let out: string;
  let chain: ContractsChain;
  let deployed: DeploymentsFile;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-contracts-'));
    out = join(folder, 'deployments');
    chain = await startContractsChain(folder);
    json(await runPlumb(deployArgs(chain, out)));
    deployed = await readDeployed(out);
  });
  after(async () => {
    await chain.stop();
    await rm(folder, { recursive: true });
  });

  const verify = async (file = deployed, ...more: string[]) => {
    const path = join(folder, 'verified.json');
    await writeFile(path, JSON.stringify(file));
    const ended = await runPlumb(['contracts', 'verify', '--rpc', chain.rpcUrl, '--file', path, '--json', ...more]);
    return { exitCode: ended.exitCode, said: JSON.parse(ended.stdout) };
  };
  const codeOf = (name: (typeof NAMES)[number]) =>
    chain.rpc.call('eth_getCode', [deployed.contracts[name].address, 'latest']) as Promise<string>;
  /** Exactly one differs, and in this. */
  const assertDiffers = async (name: (typeof NAMES)[number], what: RegExp): Promise<void> => {
    const { exitCode, said } = await verify();
    assert.equal(exitCode, 1);
    assert.equal(said.ok, false);
    for (const one of said.contracts) {
      if (one.name !== name) assert.equal(one.difference, null, one.name);
      else assert.match(one.difference.what, what);
    }
  };
  const withCode = async (name: (typeof NAMES)[number], code: string, run: () => Promise<void>): Promise<void> => {
    const right = await codeOf(name);
    await chain.rpc.call('anvil_setCode', [deployed.contracts[name].address, code]);
    await run();
    await chain.rpc.call('anvil_setCode', [deployed.contracts[name].address, right]);
  };

  test('finds all as deployed', async () => {
    const { exitCode, said } = await verify();
    assert.equal(exitCode, 0, JSON.stringify(said));
    assert.deepEqual(
      said.contracts.map(({ name, difference, block }: Record<string, unknown>) => [name, difference, block]),
      NAMES.map((name) => [name, null, 'right']),
    );
  });

  test('finds another contract at the address', async () => {
    await withCode('OCASC', await codeOf('ASC'), () => assertDiffers('OCASC', /^code$/));
  });

  test('finds one byte that was changed in the code', async () => {
    const code = await codeOf('DISSC');
    const changed = `${code.slice(0, 2002)}${(Number.parseInt(code.slice(2002, 2004), 16) ^ 1).toString(16).padStart(2, '0')}${code.slice(2004)}`;
    await withCode('DISSC', changed, () => assertDiffers('DISSC', /^code from byte 1000 on$/));
  });

  test('finds a contract with other arguments', async () => {
    const other = '00'.repeat(31);
    const code = await codeOf('OCASC');
    // minWindow, 5 as a word, becomes 4 in every place.
    const weaker = code.replaceAll(`7f${other}05`, `7f${other}04`);
    assert.notEqual(weaker, code);
    await withCode('OCASC', weaker, () => assertDiffers('OCASC', /^minWindow$/));
    const dissc = deployed.contracts.DISSC.address.slice(2);
    const around = (await codeOf('ASC')).replaceAll(dissc, 'ee'.repeat(20));
    await withCode('ASC', around, () => assertDiffers('ASC', /^dissc$/));
  });

  test('finds a contract that is not there', async () => {
    await withCode('ASC', '0x', () => assertDiffers('ASC', /^code$/));
  });

  test('finds the right code at another address, where its storage could be anything', async () => {
    const elsewhere = address(`0x${'ab'.repeat(20)}`);
    await chain.rpc.call('anvil_setCode', [elsewhere, await codeOf('DISSC')]);
    const DISSC = { ...deployed.contracts.DISSC, address: elsewhere };
    const { exitCode, said } = await verify({ ...deployed, contracts: { ...deployed.contracts, DISSC } });
    assert.equal(exitCode, 1);
    assert.equal(said.contracts[0].difference.what, 'address');
  });

  test('finds that the file names a block too late: events before it would be overlooked', async () => {
    const DISSC = { ...deployed.contracts.DISSC, block: deployed.contracts.DISSC.block + 1 };
    const { exitCode, said } = await verify({ ...deployed, contracts: { ...deployed.contracts, DISSC } });
    assert.equal(exitCode, 1);
    assert.equal(said.contracts[0].block, 'wrong');
  });

  test('refuses a file of another chain, or none', async () => {
    const { exitCode, said } = await verify({ ...deployed, chainId: 5 });
    assert.equal(exitCode, 2);
    assert.match(said.error.message, /chain 31337, not on 5/);
    assert.equal((await verify(deployed, '--chain-id', '5')).exitCode, 3);
    const missing = await runPlumb(['contracts', 'verify', '--rpc', chain.rpcUrl, '--file', join(folder, 'none')]);
    assert.equal(missing.exitCode, 2);
  });

  test('asks the node of the connection when none is named', async () => {
    const home = await mkdtemp(join(folder, 'home-'));
    const connection = {
      ...{ rpcUrl: chain.rpcUrl, chainId: chain.chainId, apiUrl: 'http://127.0.0.1:1' },
      deployments: '../deployments/31337.json',
    };
    await writeFile(join(home, 'connection.json'), JSON.stringify(connection), { mode: 0o600 });
    const args = ['contracts', 'verify', '--home', home, '--file', join(out, '31337.json'), '--json'];
    assert.equal(json(await runPlumb(args)).ok, true);
  });
});

test('killed, and what it had sent is stuck below the base fee: the next one takes its place, and says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-contracts-'));
  const chain = await startContractsChain(folder, { mining: 'manual' });
  const out = join(folder, 'deployments');
  const cutting = await startRelay(chain.rpcUrl, async (method) => {
    if (method !== 'eth_getTransactionReceipt') return true;
    child.kill('SIGKILL');
    return false;
  });
  // Blocks come, and are paid for.
  const mining = await startRelay(chain.rpcUrl, async (method) => {
    if (method === 'eth_getTransactionReceipt') await chain.rpc.call('evm_mine', []);
    return true;
  });
  const child = spawnPlumb(deployArgs({ ...chain, rpcUrl: cutting.rpcUrl }, out));
  try {
    await once(child, 'exit');
    const kept = join(folder, 'sent');
    const names = await readdir(kept);
    assert.deepEqual(
      names.sort(),
      [0, 1, 2].map((nonce) => `31337-${chain.account}-${nonce}.json`),
    );
    const stuck: string[] = [];
    for (const name of names) {
      const path = join(kept, name);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      // The next command comes an hour later.
      const file = JSON.parse(await readFile(path, 'utf8'));
      await writeFile(path, JSON.stringify({ ...file, sentAtMs: file.sentAtMs - 3_600_000 }));
      stuck.push(file.hash);
    }
    await chain.rpc.call('anvil_setNextBlockBaseFeePerGas', ['0x2540be400']);
    await chain.rpc.call('evm_mine', []);
    assert.equal(await chain.sent(), 0, 'they are stuck');
    const ended = await runPlumb(
      deployArgs({ ...chain, rpcUrl: mining.rpcUrl }, out).filter((argument) => argument !== '--json'),
    );
    assert.equal(ended.exitCode, 0, ended.stderr);
    for (const hash of stuck) {
      assert.match(ended.stderr, new RegExp(`earlier transaction ${hash} .* was stuck .* replaces it`));
      assert.equal(await chain.rpc.call('eth_getTransactionReceipt', [hash]), null);
    }
    assert.equal(await chain.sent(), 3);
    assert.deepEqual(await readdir(kept), []);
    await assertTrueBlocks(chain, await readDeployed(out));
  } finally {
    child.kill('SIGKILL');
    await cutting.stop();
    await mining.stop();
    await chain.stop();
    await rm(folder, { recursive: true });
  }
});
