import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AbiCoder, concat, getBytes, HDNodeWallet, hexlify, id, keccak256, ZeroHash, zeroPadValue } from 'ethers';
import { disscBytecode } from '../../adapters/ethereum/abi/dissc.ts';
import { disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { growLog, makeGrowingLog, rootOf } from '../../dev/contracts/growing-log.ts';
import { type ContractsChain, startContractsChain } from './contracts-chain.ts';
import { signedCharter } from './signed-charter.ts';

const CREATE2_PROXY = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
const SOLC = fileURLToPath(new URL('../../dev/contracts/solc', import.meta.url));

let chain: ContractsChain;
before(async () => {
  chain = await startContractsChain();
});
after(() => chain?.stop());

test('the proxy deploys DISSC where its address is said to be', async () => {
  assert.ok((await chain.provider.getCode(disscAddress())).length > 2);
  const initCode = keccak256(concat(['0xff', CREATE2_PROXY, zeroPadValue('0x', 32), keccak256(disscBytecode)]));
  assert.equal(disscAddress(), `0x${initCode.slice(26)}`);
  assert.equal(DISSC_ADDRESS, disscAddress());
});

test('the proxy refuses to deploy it again', async () => {
  const again = concat([zeroPadValue('0x', 32), disscBytecode]);
  await assert.rejects(chain.provider.call({ to: CREATE2_PROXY, data: again }), { code: 'CALL_EXCEPTION' });
});

test('a dataset is named as the specification says, and its device is that of the charter', async () => {
  const device = HDNodeWallet.createRandom();
  const charter = signedCharter(chain.signing, chain.owner, 'named', device.address);
  // Whoever sends it.
  const [chartered] = await chain.act(chain.dissc, 'record', [[charter], []], { from: chain.consumer });
  const expected = AbiCoder.defaultAbiCoder().encode(
    ['uint256', 'address', 'address', 'bytes32', 'uint8'],
    [chain.chainId, chain.dissc.target, chain.owner.address, charter.name, 1],
  );
  assert.equal(chartered?.name, 'Chartered');
  assert.equal(chartered?.args.dataset, keccak256(expected));
  assert.deepEqual([...(await chain.dissc.device!(keccak256(expected)))], [device.address, BigInt(charter.serial)]);
});

test('charter and heads signed as EIP-712 typed data by ethers are recorded, and again they are refused', async () => {
  const device = HDNodeWallet.createRandom();
  const charter = signedCharter(chain.signing, chain.owner, 'recorded', device.address);
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ['uint256', 'address', 'address', 'bytes32', 'uint8'],
    [chain.chainId, chain.dissc.target, chain.owner.address, charter.name, 1],
  );
  const log = makeGrowingLog(keccak256(encoded), device);
  const updates = [growLog(chain.signing, log, 300), growLog(chain.signing, log, 1_000_000)];
  const logged = await chain.act(chain.dissc, 'record', [[charter], updates]);
  assert.deepEqual(
    logged.map(({ name }) => name),
    ['Chartered', 'Recorded', 'Recorded'],
  );
  assert.deepEqual(
    [...(logged[2]?.args.appended ?? [])],
    updates[1]?.appended.map((hash) => hexlify(hash)),
  );
  assert.deepEqual([...(await chain.dissc.head!(log.dataset))], [1_000_300n, hexlify(rootOf(log))]);

  const again = await chain.act(chain.dissc, 'record', [[charter], updates]);
  assert.deepEqual(
    again.map(({ name, args }) => [name, args.dataset, chain.dissc.interface.getError(args.reason)?.name]),
    [
      ['UpdateRefused', log.dataset, 'DISSC_NoGrowth'],
      ['UpdateRefused', log.dataset, 'DISSC_NoGrowth'],
    ],
  );
});

test('a round is the hash of its time, the round before it and its body', async () => {
  let previous: string = ZeroHash;
  for (const body of [id('the first body'), id('the second body')]) {
    const [anchored] = await chain.act(chain.dissc, 'anchor', [previous, body]);
    const { timestamp } = (await chain.provider.getBlock('latest')) ?? assert.fail('no block');
    const hash = createHash('sha256').update(Uint8Array.of(5));
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(timestamp));
    for (const part of [time, getBytes(previous), getBytes(body)]) hash.update(part);
    previous = `0x${hash.digest('hex')}`;
    assert.equal(anchored?.args.round, previous);
    assert.equal(await chain.dissc.round!(chain.owner.address), previous);
  }
  const stale = chain.dissc.anchor!.staticCall(ZeroHash, id('a third'), { from: chain.owner.address });
  await assert.rejects(stale, /DISSC_WrongPrevious/);
});

test('the compiler behind the wrapper is the pinned one, and it takes no other command', () => {
  assert.match(execFileSync(SOLC, ['--version'], { encoding: 'utf8' }), /^Version: 0\.8\.37\b/m);
  const other = spawnSync(SOLC, ['--bin', 'x.sol'], { encoding: 'utf8' });
  assert.equal(other.status, 2);
  assert.match(other.stderr, /--standard-json/);
});
