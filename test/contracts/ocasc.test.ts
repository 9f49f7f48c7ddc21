import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Contract, hexlify, id, TypedDataEncoder, ZeroAddress } from 'ethers';
import { agreementId } from '../../core/agreement/terms.ts';
import { voucherHash } from '../../core/agreement/voucher.ts';
import { type AgreementId, address, datasetId, type LogRoot } from '../../core/ids.ts';
import {
  ANSWER_GAS,
  deployAgreementContracts,
  MIN_WINDOW_SECONDS,
  ocascInterface,
  signVoucher,
} from '../../dev/bench/agreement-chain.ts';
import { type DisscChain, disscInterface, type SendOptions, startDisscChain } from '../../dev/bench/dissc-chain.ts';
import { type Log, makeLog, makeUpdate, makeUpdateOf } from '../../dev/bench/dissc-log.ts';
import { makeSoldBatch, type SoldBatch } from '../../dev/bench/sold-batch.ts';

const PRICE_WEI = 10n ** 17n;
const STAKE_WEI = 10n ** 16n;
const ENCRYPTION_KEY = id('an X25519 key');
const FAR_SECONDS = 2n ** 64n - 1n;

let chain: DisscChain;
let ocasc: Contract;
let log: Log;
let sold: SoldBatch;

before(async () => {
  chain = await startDisscChain();
  const { ocasc: deployed } = await deployAgreementContracts(chain);
  ocasc = new Contract(deployed, ocascInterface, chain.provider);
  const opened = await chain.send(
    chain.dissc,
    disscInterface.encodeFunctionData('openDataset', [id('sold'), chain.owner.address]),
  );
  log = makeLog(opened.logs[0]!.topics[1]!, chain.owner);
  await record(makeUpdate(chain, log, 2, 3, false));
  sold = makeSoldBatch(log, [1, 1024, 1025, 70_000, 2 ** 20]);
  await record(makeUpdateOf(chain, log, [sold.batch]));
  await record(makeUpdate(chain, log, 4, 3, true));
});
after(() => chain.stop());

function record(update: object) {
  return chain.send(chain.dissc, disscInterface.encodeFunctionData('record', [[update]]));
}

async function act(name: string, values: readonly unknown[], options?: SendOptions) {
  const { logs } = await chain.send(ocasc.target as string, ocascInterface.encodeFunctionData(name, values), options);
  return logs.map((event) => ocascInterface.parseLog(event)!);
}

function terms() {
  return {
    dataset: datasetId(log.dataset),
    first: sold.first,
    count: sold.batch.count,
    token: address(ZeroAddress),
    price: PRICE_WEI,
    fee: PRICE_WEI / 100n,
    bond: 2n * PRICE_WEI,
    stake: STAKE_WEI,
    maxChallenges: 10,
    samples: 2,
    window: MIN_WINDOW_SECONDS,
    duration: 3600,
    acceptBy: FAR_SECONDS,
    consumer: address(ZeroAddress),
  };
}

async function agree(): Promise<string> {
  const [offered] = await act('offer', [terms(), chain.owner.address, ENCRYPTION_KEY], { valueWei: 2n * PRICE_WEI });
  const agreement = offered!.args.id as string;
  const options = { from: chain.consumer, valueWei: PRICE_WEI };
  await act('accept', [agreement, chain.consumer.address, ENCRYPTION_KEY], options);
  return agreement;
}

test('the constructor takes DISSC, the shortest window and the gas of an answer', async () => {
  assert.equal(address((await ocasc.dissc!()) as string), chain.dissc);
  assert.equal(await ocasc.minWindow!(), BigInt(MIN_WINDOW_SECONDS));
  assert.equal(await ocasc.answerGas!(), BigInt(ANSWER_GAS));
});

test('an offer has the id that core computes for it', async () => {
  const nonce = (await ocasc.offers!(chain.owner.address)) as bigint;
  const [offered] = await act('offer', [terms(), chain.owner.address, ENCRYPTION_KEY], { valueWei: 2n * PRICE_WEI });
  const { stake, window, duration, acceptBy, ...same } = terms();
  const expected = agreementId(
    { chainId: chain.chainId, ocasc: address(ocasc.target as string) },
    {
      owner: address(chain.owner.address),
      nonce,
      terms: { ...same, stakeWei: stake, windowSeconds: window, durationSeconds: duration, acceptBySeconds: acceptBy },
      root: Buffer.from((await disscHead()).root.slice(2), 'hex') as Uint8Array as LogRoot,
      batches: log.batches,
    },
  );
  assert.equal(offered!.args.id, expected);
  await act('cancel', [expected]);
});

async function disscHead(): Promise<{ root: string }> {
  return new Contract(chain.dissc, disscInterface, chain.provider).head!(log.dataset);
}

test('a voucher is EIP-712 typed data alike in ethers, in core and in the contract', async () => {
  const agreement = await agree();
  const due = PRICE_WEI / 2n;
  const verifyingContract = ocasc.target as string;
  const [, name, version, chainId, contract] = await ocasc.eip712Domain!();
  assert.deepEqual(
    [name, version, chainId, contract],
    ['Plumbline OCASC', '1', BigInt(chain.chainId), verifyingContract],
  );
  const ofEthers = TypedDataEncoder.hash(
    { name, version, chainId, verifyingContract },
    {
      Voucher: [
        { name: 'agreement', type: 'bytes32' },
        { name: 'due', type: 'uint128' },
      ],
    },
    { agreement, due },
  );
  const domain = { chainId: chain.chainId, ocasc: address(verifyingContract) };
  assert.equal(hexlify(voucherHash(domain, { agreement: agreement as AgreementId, due })), ofEthers);
  const signature = signVoucher(chain, verifyingContract, chain.consumer, agreement, due);
  const [claimed] = await act('claim', [agreement, due, signature]);
  assert.equal(claimed!.args.due, due);
});

test('answers made with core are accepted: each block, first, middle and last chunk', async () => {
  const agreement = await agree();
  // A chunk number beyond the block comes round again
  const seeds = [0, 511, 2 ** 32 - 1, 0, 1, 1, 1, 68, 1023, 1024];
  for (const [i, seed] of seeds.entries()) {
    const blockIndex = sold.first + (i % 5);
    await act('challenge', [agreement, blockIndex, seed], { from: chain.consumer, valueWei: STAKE_WEI });
    const [answered, credited] = await act('respond', [agreement, sold.answer(log, blockIndex, seed)], {
      from: chain.consumer,
    });
    assert.equal(answered!.name, 'Answered');
    assert.deepEqual([credited!.args.account, credited!.args.amount], [chain.owner.address, STAKE_WEI]);
  }
});

test('an answer that was tampered with is refused by a named error', async () => {
  const agreement = await agree();
  await act('challenge', [agreement, sold.first + 3, 7], { from: chain.consumer, valueWei: STAKE_WEI });
  const answer = { ...sold.answer(log, sold.first + 3, 7), metaHash: id('another') };
  const data = ocascInterface.encodeFunctionData('respond', [agreement, answer]);
  await assert.rejects(chain.provider.call({ to: ocasc.target as string, data }), (error: { data: string }) => {
    assert.equal(ocascInterface.parseError(error.data)!.name, 'OCASC_WrongRoot');
    return true;
  });
});
