import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AbiCoder, encodeBytes32String, keccak256 } from 'ethers';
import { growLog } from '../../dev/contracts/growing-log.ts';
import { type ContractsChain, startContractsChain } from './contracts-chain.ts';
import { recordSoldLog, type SoldLog } from './sold-log.ts';

const PER_RECORD_WEI = 10n ** 12n;
const ID_TYPES = [
  'uint256',
  'address',
  'address',
  'uint256',
  'tuple(bytes32 dataset, address css, uint96 perRecord, uint64 first, uint64 count, uint8 kinds, uint32 maxBlocks, uint32 window, uint32 interval, uint64 until)',
];

let chain: ContractsChain;
let granted: SoldLog;
before(async () => {
  chain = await startContractsChain();
  granted = await recordSoldLog(chain, 'granted', 1000);
});
after(() => chain?.stop());

test('an owner authorises, a CSS accepts, and whoever relays lets the CSS earn', async () => {
  const { asc, dissc, consumer: css, owner, signing, act } = chain;
  const { timestamp } = (await chain.provider.getBlock('latest')) ?? assert.fail('no block');
  const terms = {
    dataset: granted.log.dataset,
    css: css.address,
    perRecord: PER_RECORD_WEI,
    first: 0,
    count: 1_000_000,
    kinds: 3,
    maxBlocks: 4096,
    window: 3600,
    interval: 0,
    until: timestamp + 86_400,
  };
  const [proposed] = await act(asc, 'authorise', [granted.name, granted.kind, terms]);
  const grant = proposed?.args.id as string;
  const named = [chain.chainId, asc.target, owner.address, 0, terms];
  assert.equal(grant, keccak256(AbiCoder.defaultAbiCoder().encode(ID_TYPES, named)));
  assert.equal(await asc.readable!(grant), false);
  await act(asc, 'accept', [grant], { from: css });
  assert.equal(await asc.readable!(grant), true);
  await act(asc, 'fund', [grant], { valueWei: 2n * PER_RECORD_WEI });

  const update = growLog(signing, granted.log, 300);
  assert.deepEqual([...(await asc.relay!.staticCall([grant], [], [update]))], ['0x00000000']);
  const [relayed] = await act(asc, 'relay', [[grant], [], [update]]);
  assert.deepEqual([relayed?.name, relayed?.args.size, relayed?.args.paid], ['Relayed', 1_000_300n, PER_RECORD_WEI]);
  assert.equal(await asc.credit!(css.address), PER_RECORD_WEI);
  assert.equal((await asc.grant!(grant)).fuel, PER_RECORD_WEI);
  assert.equal((await dissc.head!(granted.log.dataset)).size, 1_000_300n);

  const reasonsOf = async (...updates: unknown[]) => {
    const reasons = await asc.relay!.staticCall(
      updates.map(() => grant),
      [],
      updates,
    );
    return [...reasons].map((reason) => (reason === '0x00000000' ? null : asc.interface.getError(reason)?.name));
  };
  assert.deepEqual(await reasonsOf(update), ['ASC_Refused']);
  const [next, behind] = [growLog(signing, granted.log, 8), growLog(signing, granted.log, 1)];
  assert.deepEqual(await reasonsOf(next, behind), [null, 'ASC_TooLittleFuel']);
  assert.deepEqual(await reasonsOf({ ...next, dataset: encodeBytes32String('another') }), ['ASC_WrongDataset']);
});
