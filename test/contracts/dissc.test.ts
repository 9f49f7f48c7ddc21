import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AbiCoder, Contract, concat, HDNodeWallet, hexlify, id, keccak256, zeroPadValue } from 'ethers';
import { disscBytecode } from '../../adapters/ethereum/abi/dissc.ts';
import { disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { type DisscChain, disscInterface, startDisscChain } from '../../dev/bench/dissc-chain.ts';
import { makeLog, makeUpdate, rootOf } from '../../dev/bench/dissc-log.ts';

const CREATE2_PROXY = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
const SOLC = fileURLToPath(new URL('../../dev/contracts/solc', import.meta.url));

let chain: DisscChain;
let dissc: Contract;

before(async () => {
  chain = await startDisscChain();
  dissc = new Contract(chain.dissc, disscInterface, chain.provider);
});
after(() => chain.stop());

async function openDataset(name: string, device: HDNodeWallet): Promise<string> {
  const { logs } = await chain.send(
    chain.dissc,
    disscInterface.encodeFunctionData('openDataset', [id(name), device.address]),
  );
  return logs[0]!.topics[1]!;
}

test('the proxy deploys DISSC where its address is said to be', async () => {
  assert.ok((await chain.provider.getCode(disscAddress())).length > 2);
  const initCode = keccak256(concat(['0xff', CREATE2_PROXY, zeroPadValue('0x', 32), keccak256(disscBytecode)]));
  assert.equal(disscAddress(), `0x${initCode.slice(26)}`);
});

test('the proxy refuses to deploy it again', async () => {
  const again = concat([zeroPadValue('0x', 32), disscBytecode]);
  await assert.rejects(chain.send(CREATE2_PROXY, again), /failed/);
});

test('a dataset is named as design §4 says', async () => {
  const device = HDNodeWallet.createRandom();
  const dataset = await openDataset('named', device);
  const expected = AbiCoder.defaultAbiCoder().encode(
    ['uint256', 'address', 'address', 'bytes32'],
    [chain.chainId, chain.dissc, chain.owner.address, id('named')],
  );
  assert.equal(dataset, keccak256(expected));
  assert.deepEqual([...(await dissc.parties!(dataset))], [chain.owner.address, device.address]);
});

test('a head signed as EIP-712 typed data by ethers is recorded, and again it is refused', async () => {
  const device = HDNodeWallet.createRandom();
  const log = makeLog(await openDataset('recorded', device), device);
  const update = makeUpdate(chain, log, 5, 300, true);
  const record = disscInterface.encodeFunctionData('record', [[update]]);

  const first = await chain.send(chain.dissc, record);
  const names = first.logs.map((event) => disscInterface.parseLog(event)!.name);
  assert.deepEqual(names, ['Recorded', 'Published', 'Published', 'Published', 'Published', 'Published']);
  assert.deepEqual([...(await dissc.head!(log.dataset))], [1500n, 5n, hexlify(rootOf(log))]);

  const second = await chain.send(chain.dissc, record);
  const refusal = disscInterface.parseLog(second.logs[0]!)!;
  assert.equal(refusal.name, 'UpdateRefused');
  assert.equal(refusal.args.dataset, log.dataset);
  assert.equal(disscInterface.getError(refusal.args.reason)!.name, 'DISSC_WrongSigner');
});

test('the compiler behind the wrapper is the pinned one, and it takes no other command', () => {
  assert.match(execFileSync(SOLC, ['--version'], { encoding: 'utf8' }), /^Version: 0\.8\.37\b/m);
  const other = spawnSync(SOLC, ['--bin', 'x.sol'], { encoding: 'utf8' });
  assert.equal(other.status, 2);
  assert.match(other.stderr, /--standard-json/);
});
