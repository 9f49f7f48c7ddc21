import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Contract, ContractFactory, JsonRpcProvider, Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ocascAbi, ocascBytecode } from '../../adapters/ethereum/abi/ocasc.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../adapters/ethereum/deploy-dissc.ts';
import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { agreementId, type Terms } from '../../core/agreement/terms.ts';
import { recoverVoucherSigner, signVoucher } from '../../core/agreement/voucher.ts';
import { concatBytes, to0x, u8 } from '../../core/bytes.ts';
import { LedgerUnavailableError, ProofError } from '../../core/errors.ts';
import { type Address, type AgreementId, address, type PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { fund } from '../../local/stack/fund.ts';
import { BLOCKS_UNTIL_FINAL } from '../../local/stack/mine-blocks.ts';
import { type RunningAnvil, startAnvil } from '../../local/stack/start-anvil.ts';
import { recordDataset } from './recorded-dataset.ts';

const NOBODY = `0x${'00'.repeat(20)}` as Address;
const key = () => new Uint8Array(nodePrimitives.randomBytes(32)) as PrivateKey;

describe('OCASC through a node', () => {
  let anvil: RunningAnvil;
  let provider: JsonRpcProvider;
  let rpc: JsonRpc;
  let chain: Awaited<ReturnType<typeof prepare>>;
  before(async () => {
    anvil = await startAnvil({ stateFile: null, mining: 'instant' });
    rpc = createJsonRpc(anvil);
    provider = new JsonRpcProvider(anvil.rpcUrl, anvil.chainId, {
      staticNetwork: true,
      pollingInterval: 20,
      cacheTimeout: -1,
    });
    chain = await prepare();
  });
  after(async () => {
    provider?.destroy();
    await anvil?.stop();
  });

  async function wallet(): Promise<Wallet> {
    const one = new Wallet(to0x(key()), provider);
    await fund(rpc, address(one.address), 10n ** 20n);
    return one;
  }
  /** A recorded dataset of three blocks in one batch, and OCASC. */
  async function prepare() {
    const { rpcUrl, chainId } = anvil;
    const owner = await wallet();
    const { dissc } = await deployDissc({ rpcUrl, chainId, signer: createKeySigner(hexKey(owner)) });
    const deployed = await new ContractFactory(ocascAbi, ocascBytecode, owner).deploy(dissc, 60, 150_000, 90_000);
    await deployed.waitForDeployment();
    const ocasc = address(await deployed.getAddress());
    const { dataset, charter, root } = await recordDataset(owner, { chainId, dissc });
    const terms: Terms = {
      dataset,
      first: 1,
      count: 2,
      token: NOBODY,
      price: 1000n,
      fee: 10n,
      bond: 500n,
      stakeWei: 3n,
      maxChallenges: 2,
      maxDemands: 1,
      samples: 1,
      previews: 0,
      windowSeconds: 60,
      durationSeconds: 3600,
      acceptBySeconds: 2n ** 64n - 1n,
      consumer: NOBODY,
    };
    const domain = { chainId, ocasc };
    return { owner, ocasc, domain, terms, charter, root, ledger: createOcascLedger({ rpcUrl, ...domain }) };
  }
  const ocascAs = (who: Wallet) => new Contract(chain.ocasc, ocascAbi, who);
  let offers = 0n;
  /** An offer, whose id is computed here and found there. */
  async function offer() {
    const { owner, domain, terms, charter, root } = chain;
    const agent = address(Wallet.createRandom().address);
    const ownerEncryptionKey = new Uint8Array(nodePrimitives.randomBytes(32));
    const given = { owner: address(owner.address), nonce: offers++, terms, root, size: 3 };
    const id = agreementId(domain, { ...given, agent, encryptionKey: ownerEncryptionKey });
    const call = ocascAs(owner).getFunction('offer');
    const values = [to0x(charter.name), charter.kind, Object.values(terms), agent, ownerEncryptionKey];
    await (await call(...values, { value: terms.bond })).wait();
    return { id, agent, ownerEncryptionKey };
  }
  async function accept(id: AgreementId) {
    const consumer = await wallet();
    const signerKey = key();
    const encryptionKey = new Uint8Array(nodePrimitives.randomBytes(32));
    const call = ocascAs(consumer).getFunction('accept');
    const signer = accountOfKey(signerKey);
    const receipt = await (await call(id, signer, encryptionKey, { value: chain.terms.price })).wait();
    const block = await provider.getBlock(receipt.blockNumber);
    return { consumer, signerKey, signer, encryptionKey, endSeconds: (block?.timestamp as number) + 3600 };
  }

  test('an offer is found under the id computed from its parts, with all of them', async () => {
    const { id, agent, ownerEncryptionKey } = await offer();
    const { point, agreement } = await chain.ledger.readAgreement(id, 'latest');
    assert.ok(point.blockNumber > 0);
    assert.deepEqual(agreement, {
      id,
      terms: chain.terms,
      root: chain.root,
      size: 3,
      kind: 1,
      state: 'offered',
      owner: address(chain.owner.address),
      agent,
      ownerEncryptionKey,
      buyer: null,
      due: 0n,
      challenges: 0,
      demands: 0,
      question: null,
    });
  });

  test('acceptance, a voucher claimed, a challenge, lapse, breach and close are seen', async () => {
    const { id } = await offer();
    const { consumer, signerKey, signer, encryptionKey, endSeconds } = await accept(id);
    const read = async () => (await chain.ledger.readAgreement(id, 'latest')).agreement;
    const accepted = await read();
    assert.deepEqual(accepted?.buyer, {
      ...{ consumer: address(consumer.address), signer, encryptionKey, endSeconds },
    });
    assert.deepEqual([accepted?.state, accepted?.due], ['active', 10n]);

    const voucher = { agreement: id, due: 400n };
    const signature = signVoucher(chain.domain, voucher, signerKey);
    await (await ocascAs(chain.owner).getFunction('claim')(id, voucher.due, to0x(signature))).wait();
    assert.equal((await read())?.due, 400n);

    const stake = 10n ** 16n;
    await (await ocascAs(consumer).getFunction('challenge')(id, 2, 7, { value: stake })).wait();
    const challenged = await read();
    assert.equal(challenged?.state, 'challenged');
    const { challenges, question } = challenged ?? assert.fail('not found');
    assert.deepEqual([challenges, question?.asks, question?.block, question?.seed], [1, 'chunk', 2, 7]);
    assert.ok((question?.stakeWei ?? 0n) >= 3n);
    assert.equal(question?.graceEndSeconds, null);

    const goTo = (seconds: number) => rpc.call('evm_setNextBlockTimestamp', [`0x${seconds.toString(16)}`]);
    await goTo((question?.deadlineSeconds ?? 0) + 1);
    await (await ocascAs(consumer).getFunction('lapse')(id)).wait();
    const lapsed = await read();
    assert.equal(lapsed?.state, 'lapsed');
    assert.equal(lapsed?.question?.graceEndSeconds, (question?.deadlineSeconds ?? 0) + 1 + 15);
    await goTo((lapsed?.question?.graceEndSeconds ?? 0) + 1);
    await (await ocascAs(consumer).getFunction('breach')(id)).wait();
    assert.deepEqual([(await read())?.state, (await read())?.question], ['breached', null]);

    const { id: second } = await offer();
    const other = await accept(second);
    await (await ocascAs(other.consumer).getFunction('approve')(second)).wait();
    const closed = (await chain.ledger.readAgreement(second, 'latest')).agreement;
    assert.deepEqual([closed?.state, closed?.due], ['closed', chain.terms.price]);
    const { id: third } = await offer();
    await (await ocascAs(chain.owner).getFunction('cancel')(third)).wait();
    assert.equal((await chain.ledger.readAgreement(third, 'latest')).agreement?.state, 'cancelled');
  });

  test('the contract refuses the vouchers that are refused here', async () => {
    const { id } = await offer();
    const { signerKey, signer } = await accept(id);
    const voucher = { agreement: id, due: 400n };
    const good = signVoucher(chain.domain, voucher, signerKey);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = (order - BigInt(to0x(good.subarray(32, 64)))).toString(16).padStart(64, '0');
    const v = good[64] as number;
    const spellings = {
      'high s': concatBytes(good.subarray(0, 32), Buffer.from(s, 'hex'), u8(v === 27 ? 28 : 27)),
      'v 0 or 1': concatBytes(good.subarray(0, 64), u8(v - 27)),
      compact: good.subarray(0, 64),
      'of another chain': signVoucher({ ...chain.domain, chainId: 1 }, voucher, signerKey),
      'of another agreement': signVoucher(
        chain.domain,
        { agreement: `0x${'11'.repeat(32)}` as AgreementId, due: 400n },
        signerKey,
      ),
      'over another amount': signVoucher(chain.domain, { ...voucher, due: 401n }, signerKey),
      'of somebody else': signVoucher(chain.domain, voucher, key()),
    };
    for (const [what, signature] of Object.entries(spellings)) {
      const claim = ocascAs(chain.owner).getFunction('claim');
      await assert.rejects(claim.staticCall(id, voucher.due, to0x(signature)), /OCASC_WrongSigner/, what);
      const counts = () => recoverVoucherSigner(chain.domain, voucher, signature) === signer;
      let refusedHere = false;
      try {
        refusedHere = !counts();
      } catch (error) {
        refusedHere = error instanceof ProofError;
      }
      assert.ok(refusedHere, what);
    }
  });

  test('at the final block there is only what is final', async () => {
    const { id } = await offer();
    assert.equal((await chain.ledger.readAgreement(id, 'final')).agreement, null);
    for (let i = 0; i < BLOCKS_UNTIL_FINAL; i++) await rpc.call('evm_mine', []);
    assert.equal((await chain.ledger.readAgreement(id, 'final')).agreement?.id, id);
  });

  test('an unknown id is no agreement', async () => {
    const unknown = `0x${'99'.repeat(32)}` as AgreementId;
    assert.equal((await chain.ledger.readAgreement(unknown, 'latest')).agreement, null);
  });

  test('an address without OCASC, and a node that is not there, are a chain that cannot be read', async () => {
    const { rpcUrl, chainId } = anvil;
    const id = `0x${'99'.repeat(32)}` as AgreementId;
    const empty = createOcascLedger({ rpcUrl, chainId, ocasc: `0x${'12'.repeat(20)}` as Address });
    await assert.rejects(empty.readAgreement(id, 'latest'), LedgerUnavailableError);
    const { dissc } = await deployDissc({ rpcUrl, chainId, signer: createKeySigner(hexKey(chain.owner)) });
    await assert.rejects(
      createOcascLedger({ rpcUrl, chainId, ocasc: dissc }).readAgreement(id, 'latest'),
      LedgerUnavailableError,
    );
    const gone = createOcascLedger({ rpcUrl: 'http://127.0.0.1:1', chainId, ocasc: chain.ocasc });
    await assert.rejects(gone.readAgreement(id, 'latest'), LedgerUnavailableError);
    await assert.rejects(chain.ledger.readAgreement(id, 'latest', AbortSignal.abort()), { name: 'AbortError' });
  });
});

function hexKey(of: Wallet): PrivateKey {
  return new Uint8Array(Buffer.from(of.privateKey.slice(2), 'hex')) as PrivateKey;
}
