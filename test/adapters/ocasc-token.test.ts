import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Contract, ContractFactory, JsonRpcProvider, Wallet } from 'ethers';
import type { Terms } from '../../core/agreement/terms.ts';
import { to0x } from '../../core/bytes.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import { compileToken } from './compile-token.ts';
import { type Market, randomEncryptionKey, startMarket } from './ocasc-fixture.ts';

describe('agreements in an ERC-20', () => {
  let market: Market;
  let provider: JsonRpcProvider;
  let token: Contract;
  let terms: Terms;
  before(async () => {
    market = await startMarket();
    const { rpcUrl, chainId } = market.chain;
    provider = new JsonRpcProvider(rpcUrl, chainId, { staticNetwork: true, pollingInterval: 20, cacheTimeout: -1 });
    const { abi, bytecode } = compileToken();
    const minter = new Wallet(to0x(await market.newKey()), provider);
    const deployed = await new ContractFactory(abi as never, bytecode, minter).deploy();
    await deployed.waitForDeployment();
    token = deployed as Contract;
    terms = { ...market.terms, token: address(await deployed.getAddress()) };
  });
  after(async () => {
    provider?.destroy();
    await market?.stop();
  });

  const act = async (name: string, ...values: unknown[]) => (await token.getFunction(name)(...values)).wait();
  const view = (name: string, ...values: unknown[]): Promise<bigint> => token.getFunction(name)(...values);
  const allowance = (owner: Address) => view('allowance', owner, market.ocasc);
  const offer = (changed: Partial<Terms> = {}) =>
    market.owner.offer(market.named, { ...terms, ...changed }, market.owner.account, randomEncryptionKey());

  test('bond and price are approved to the unit and taken; what is due arrives, and nothing stays approved', async () => {
    const { owner, ledger, ocasc } = market;
    await act('mint', owner.account, terms.bond);
    const consumer = market.party(await market.newKey());
    await act('mint', consumer.account, terms.price + 1n);
    const { id } = await offer();
    assert.deepEqual([await view('balanceOf', owner.account), await allowance(owner.account)], [0n, 0n]);
    await consumer.accept({ id, ...terms }, consumer.account, randomEncryptionKey());
    assert.deepEqual([await view('balanceOf', consumer.account), await allowance(consumer.account)], [1n, 0n]);
    assert.equal(await view('balanceOf', ocasc), terms.bond + terms.price);
    await consumer.approve(id);
    assert.equal(await ledger.readCredit(terms.token, owner.account, 'latest'), terms.bond + terms.price);
    await owner.withdraw(terms.token, owner.account);
    assert.equal(await view('balanceOf', owner.account), terms.bond + terms.price);
    assert.equal(await view('balanceOf', ocasc), 0n);
  });

  test('a token that refuses to change an allowance: what was left of one is set to zero first', async () => {
    await act('setOddities', true, false);
    const key = await market.newKey();
    const consumer = market.party(key);
    await act('mint', market.owner.account, terms.bond);
    await act('mint', consumer.account, terms.price);
    const mine = token.connect(new Wallet(to0x(key), provider)) as Contract;
    await (await mine.getFunction('approve')(market.ocasc, 1n)).wait();
    await assert.rejects(mine.getFunction('approve').staticCall(market.ocasc, terms.price), /zero first/);
    const { id } = await offer();
    await consumer.accept({ id, ...terms }, consumer.account, randomEncryptionKey());
    assert.deepEqual([await view('balanceOf', consumer.account), await allowance(consumer.account)], [0n, 0n]);
    await act('setOddities', false, false);
  });

  test('what was approved before is used: no transaction but the one', async () => {
    const key = await market.newKey();
    const consumer = market.party(key);
    await act('mint', market.owner.account, terms.bond);
    await act('mint', consumer.account, terms.price);
    const mine = token.connect(new Wallet(to0x(key), provider)) as Contract;
    await (await mine.getFunction('approve')(market.ocasc, 2n * terms.price)).wait();
    const { id } = await offer();
    const nonce = await market.nonce(consumer.account);
    await consumer.accept({ id, ...terms }, consumer.account, randomEncryptionKey());
    assert.equal(await market.nonce(consumer.account), nonce + 1);
    assert.equal(await allowance(consumer.account), terms.price);
  });

  test('two offers at once: neither takes the approval of the other', async () => {
    await act('mint', market.owner.account, terms.bond + 2n * terms.bond);
    const [small, large] = await Promise.all([offer(), offer({ bond: 2n * terms.bond })]);
    const bonds = [];
    for (const { id } of [small, large]) {
      bonds.push((await market.ledger.readAgreement(id, 'latest')).agreement?.terms.bond);
    }
    assert.deepEqual(bonds, [terms.bond, 2n * terms.bond]);
    assert.equal(await allowance(market.owner.account), 0n);
  });

  test('too few units, a token that hears nothing, and an account that is no token: refused, nothing is sent', async () => {
    const { owner } = market;
    const balance = await view('balanceOf', owner.account);
    const nonce = await market.nonce(owner.account);
    await assert.rejects(offer({ bond: balance + 1n }), (error: unknown) => {
      assert.ok(error instanceof StateError);
      assert.equal(error.details.reason, 'ERC20InsufficientBalance');
      return true;
    });
    await assert.rejects(offer({ token: owner.account }), ArgumentError);
    await assert.rejects(offer({ token: market.asc }), ArgumentError);
    assert.equal(await market.nonce(owner.account), nonce);
    await act('mint', owner.account, terms.bond);
    await act('setOddities', false, true);
    await assert.rejects(offer(), /does not let/);
    await act('setOddities', false, false);
  });
});
