import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { getBytes, hexlify, id, TypedDataEncoder, ZeroAddress } from 'ethers';
import { ANSWER_GAS, DEMAND_GAS } from '../../adapters/ethereum/deployable-ocasc.ts';
import { agreementId } from '../../core/agreement/terms.ts';
import { voucherHash } from '../../core/agreement/voucher.ts';
import { type AgreementId, address, datasetId, type LogRoot } from '../../core/ids.ts';
import { showChunk, showKey } from '../../dev/contracts/sold-block.ts';
import { type ContractsChain, MIN_WINDOW_SECONDS, startContractsChain } from './contracts-chain.ts';
import { recordSoldLog, type SoldLog } from './sold-log.ts';

const PRICE_WEI = 10n ** 17n;
const STAKE_WEI = 10n ** 16n;
const ENCRYPTION_KEY = id('an X25519 key');
const BLOCK_BYTES = 70_000;
const VOUCHER_TYPES = {
  Voucher: [
    { name: 'agreement', type: 'bytes32' },
    { name: 'due', type: 'uint128' },
  ],
};

let chain: ContractsChain;
let sold: SoldLog;
before(async () => {
  chain = await startContractsChain();
  sold = await recordSoldLog(chain, 'sold', BLOCK_BYTES, 0);
});
after(() => chain?.stop());

function terms() {
  return {
    dataset: datasetId(sold.log.dataset),
    first: 0,
    count: 256,
    token: address(ZeroAddress),
    price: PRICE_WEI,
    fee: PRICE_WEI / 100n,
    bond: 2n * PRICE_WEI,
    stake: STAKE_WEI,
    maxChallenges: 10,
    maxDemands: 2,
    samples: 2,
    previews: 1,
    window: MIN_WINDOW_SECONDS,
    duration: 3600,
    acceptBy: 2n ** 64n - 1n,
    consumer: address(ZeroAddress),
  };
}

async function offer(): Promise<string> {
  const values = [sold.name, sold.kind, terms(), chain.owner.address, ENCRYPTION_KEY];
  const logged = await chain.act(chain.ocasc, 'offer', values, { valueWei: 2n * PRICE_WEI });
  return logged.find(({ name }) => name === 'Offered')?.args.id ?? assert.fail('no offer');
}

async function agree(): Promise<string> {
  const agreement = await offer();
  const values = [agreement, chain.consumer.address, ENCRYPTION_KEY];
  await chain.act(chain.ocasc, 'accept', values, { from: chain.consumer, valueWei: PRICE_WEI });
  return agreement;
}

function signVoucher(agreement: string, due: bigint): { signature: string; hash: string } {
  const domain = {
    name: 'Plumbline OCASC',
    version: '2',
    chainId: chain.chainId,
    verifyingContract: chain.ocasc.target as string,
  };
  const hash = TypedDataEncoder.hash(domain, VOUCHER_TYPES, { agreement, due });
  return { hash, signature: chain.consumer.signingKey.sign(hash).serialized };
}

test('the constructor takes DISSC, the shortest window, and the gas of the two answers', async () => {
  assert.equal(await chain.ocasc.dissc!(), chain.dissc.target);
  assert.equal(await chain.ocasc.minWindow!(), BigInt(MIN_WINDOW_SECONDS));
  assert.equal(await chain.ocasc.answerGas!(), BigInt(ANSWER_GAS));
  assert.equal(await chain.ocasc.demandGas!(), BigInt(DEMAND_GAS));
});

test('an offer has the id that core computes for it: terms, log, agent and key', async () => {
  const nonce = (await chain.ocasc.offers!(chain.owner.address)) as bigint;
  const [size, root] = await chain.dissc.head!(sold.log.dataset);
  const { stake, window, duration, acceptBy, ...same } = terms();
  const expected = agreementId(
    { chainId: chain.chainId, ocasc: address(chain.ocasc.target as string) },
    {
      owner: address(chain.owner.address),
      nonce,
      terms: { ...same, stakeWei: stake, windowSeconds: window, durationSeconds: duration, acceptBySeconds: acceptBy },
      root: getBytes(root) as LogRoot,
      size: Number(size),
      agent: address(chain.owner.address),
      encryptionKey: getBytes(ENCRYPTION_KEY),
    },
  );
  assert.equal(await offer(), expected);
  await chain.act(chain.ocasc, 'cancel', [expected]);
});

test('a voucher is EIP-712 typed data alike in ethers, in core and in the contract', async () => {
  const agreement = await agree();
  const due = PRICE_WEI / 2n;
  const [, name, version, chainId, contract] = await chain.ocasc.eip712Domain!();
  assert.deepEqual(
    [name, version, chainId, contract],
    ['Plumbline OCASC', '2', BigInt(chain.chainId), chain.ocasc.target],
  );
  const { hash, signature } = signVoucher(agreement, due);
  const domain = { chainId: chain.chainId, ocasc: address(chain.ocasc.target as string) };
  assert.equal(hexlify(voucherHash(domain, { agreement: agreement as AgreementId, due })), hash);
  const [claimed] = await chain.act(chain.ocasc, 'claim', [agreement, due, signature]);
  assert.equal(claimed?.args.due, due);
});

test('chunks and keys of a block made without core are accepted: first, middle and last chunk', async () => {
  const agreement = await agree();
  const chunks = Math.ceil(BLOCK_BYTES / 1024);
  // A chunk number beyond the block comes round again
  for (const seed of [0, 34, chunks - 1, 7 * chunks + 3, 2 ** 32 - 1]) {
    const asked = { from: chain.consumer, valueWei: STAKE_WEI };
    await chain.act(chain.ocasc, 'challenge', [agreement, 0, seed], asked);
    const answer = showChunk(sold.block, seed % chunks, sold.path);
    const [answered, credited] = await chain.act(chain.ocasc, 'respond', [agreement, answer], { from: chain.consumer });
    assert.deepEqual([answered?.name, answered?.args.chunkIndex], ['Answered', BigInt(seed % chunks)]);
    assert.deepEqual([credited?.args.account, credited?.args.amount], [chain.owner.address, STAKE_WEI]);
  }
  const { signature } = signVoucher(agreement, PRICE_WEI);
  await chain.act(chain.ocasc, 'claim', [agreement, PRICE_WEI, signature]);
  await chain.act(chain.ocasc, 'demandKey', [agreement, 0], { from: chain.consumer, valueWei: STAKE_WEI });
  const logged = await chain.act(chain.ocasc, 'respond', [agreement, showKey(sold.block, sold.path)]);
  const shown = logged.find(({ name }) => name === 'KeyShown');
  assert.equal(shown?.args.contentKey, hexlify(sold.block.contentKey));
});

test('an answer that was tampered with is refused by a named error', async () => {
  const agreement = await agree();
  const asked = { from: chain.consumer, valueWei: STAKE_WEI };
  await chain.act(chain.ocasc, 'challenge', [agreement, 0, 7], asked);
  const honest = showChunk(sold.block, 7, sold.path);
  for (const [change, reason] of [
    [{ metaHash: getBytes(id('another')) }, /OCASC_WrongOpening/],
    [{ key: getBytes(id('another')) }, /OCASC_WrongKey/],
    [{ contentCommitment: getBytes(id('another')) }, /OCASC_WrongRoot/],
    [{ path: sold.path.slice(1) }, /OCASC_BadPathLength/],
  ] as const) {
    const answering = chain.ocasc.respond!.staticCall(agreement, { ...honest, ...change });
    await assert.rejects(answering, reason);
  }
});
