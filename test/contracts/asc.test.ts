import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AbiCoder, Contract, id, keccak256 } from 'ethers';
import { ascInterface, deployAgreementContracts } from '../../dev/bench/agreement-chain.ts';
import { type DisscChain, disscInterface, type SendOptions, startDisscChain } from '../../dev/bench/dissc-chain.ts';
import { type Log, makeLog, makeUpdate } from '../../dev/bench/dissc-log.ts';

const PER_BATCH_WEI = 10n ** 12n;
const ID_TYPES = [
  'uint256',
  'address',
  'address',
  'uint256',
  'tuple(bytes32 dataset, address css, uint96 perBatch, uint64 first, uint64 count, uint8 kinds, uint32 maxBlocks, uint32 window, uint64 until)',
];

let chain: DisscChain;
let asc: Contract;
let log: Log;

before(async () => {
  chain = await startDisscChain();
  asc = new Contract((await deployAgreementContracts(chain)).asc, ascInterface, chain.provider);
  const opened = await chain.send(
    chain.dissc,
    disscInterface.encodeFunctionData('openDataset', [id('granted'), chain.owner.address]),
  );
  log = makeLog(opened.logs[0]!.topics[1]!, chain.owner);
});
after(() => chain.stop());

async function act(name: string, values: readonly unknown[], options?: SendOptions) {
  const { logs } = await chain.send(asc.target as string, ascInterface.encodeFunctionData(name, values), options);
  return logs.filter(({ address }) => address === asc.target).map((event) => ascInterface.parseLog(event)!);
}

test('an owner authorises, a CSS accepts, and whoever relays lets the CSS earn', async () => {
  const { timestamp } = (await chain.provider.getBlock('latest'))!;
  const terms = {
    dataset: log.dataset,
    css: chain.consumer.address,
    perBatch: PER_BATCH_WEI,
    first: 0,
    count: 1_000_000,
    kinds: 3,
    maxBlocks: 4096,
    window: 3600,
    until: timestamp + 86_400,
  };
  const [proposed] = await act('authorise', [terms]);
  const grant = proposed!.args.id as string;
  const named = [chain.chainId, asc.target, chain.owner.address, 0, terms];
  assert.equal(grant, keccak256(AbiCoder.defaultAbiCoder().encode(ID_TYPES, named)));
  assert.equal(await asc.readable!(grant), false);
  await act('accept', [grant], { from: chain.consumer });
  assert.equal(await asc.readable!(grant), true);
  await act('fund', [grant], { valueWei: 10n * PER_BATCH_WEI });

  const update = makeUpdate(chain, log, 3, 100, true);
  const reasons = await asc.relay!.staticCall([grant], [update]);
  assert.deepEqual([...reasons], ['0x00000000']);
  const [relayed] = await act('relay', [[grant], [update]]);
  assert.deepEqual([relayed!.name, relayed!.args.batches, relayed!.args.paid], ['Relayed', 3n, 3n * PER_BATCH_WEI]);
  assert.equal(await asc.credit!(chain.consumer.address), 3n * PER_BATCH_WEI);
  assert.equal((await asc.grant!(grant)).fuel, 7n * PER_BATCH_WEI);

  const again = await asc.relay!.staticCall([grant], [update]);
  assert.equal(ascInterface.getError(again[0])!.name, 'ASC_Refused');
  const [refused] = await act('relay', [[grant], [makeUpdate(chain, log, 8, 1, false)]]);
  assert.equal(ascInterface.getError(refused!.args.reason)!.name, 'ASC_TooLittleFuel');
});
