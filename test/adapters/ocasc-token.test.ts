import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Contract, ContractFactory, id, JsonRpcProvider, Wallet } from 'ethers';
import { createChainBlocks } from '../../adapters/ethereum/chain-blocks.ts';
import { createOcascHistory } from '../../adapters/ethereum/ocasc-history.ts';
import { createTokenReader } from '../../adapters/ethereum/read-token.ts';
import { showAmount } from '../../cli/show-amount.ts';
import { makeReceipt } from '../../client/receipt/make-receipt.ts';
import { receiptPage } from '../../client/receipt/receipt-page.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { to0x } from '../../core/bytes.ts';
import { ArgumentError, StateError } from '../../core/errors.ts';
import { type Address, type AgreementId, address } from '../../core/ids.ts';
import { descriptionText } from '../../core/market/description.ts';
import { compileToken } from './compile-token.ts';
import { type Market, NATIVE, randomEncryptionKey, startMarket } from './ocasc-fixture.ts';

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

  test('receipts add up however a sale has ended, in the token, and the page says how', async () => {
    const { owner, ledger, chain, ocasc, named } = market;
    const history = createOcascHistory({ ...chain, ocasc });
    const tokenName = await createTokenReader({ ...chain, ocasc }).readToken(terms.token);
    const receiptOf = async (id: AgreementId) => {
      const sources = { market: ledger, history, chainBlocks: createChainBlocks(chain), fromBlock: 0 };
      const made = await makeReceipt({ ...sources, described: null, token: tokenName, local: null }, id, 'latest');
      assert.ok(made !== null);
      const page = receiptPage(made);
      assert.doesNotMatch(page, /<script|undefined|null|NaN/);
      return { ...made, page, did: made.steps.map(({ event }) => event) };
    };
    const sold = async () => {
      const key = await market.newKey();
      const consumer = market.party(key);
      await act('mint', owner.account, terms.bond);
      await act('mint', consumer.account, terms.price);
      const { id } = await owner.offer(named, terms, owner.account, randomEncryptionKey());
      await consumer.accept({ id, ...terms }, consumer.account, randomEncryptionKey());
      const claim = (due: bigint) => owner.claim(id, due, signVoucher(ledger.domain, { agreement: id, due }, key));
      const lapse = async () => {
        await consumer.challenge(id, { block: terms.first, seed: 1, valueWei: 10n ** 16n });
        await market.goTo((await question(id)).deadlineSeconds + 1);
        await consumer.lapse(id);
      };
      return { id, consumer, claim, lapse };
    };
    const question = async (id: AgreementId) =>
      (await ledger.readAgreement(id, 'latest')).agreement?.question ?? assert.fail('no question');
    const tst = (units: bigint) => `${showAmount(units, tokenName).replace(/ \(.*/, '')} (<code>${terms.token}</code>)`;

    await act('mint', owner.account, terms.bond);
    const offered = await offer();
    assert.deepEqual((await receiptOf(offered.id)).outcome, null);
    await owner.cancel(offered.id);
    const cancelled = await receiptOf(offered.id);
    assert.deepEqual(cancelled.did, ['offered', 'cancelled', 'credited']);
    assert.deepEqual(
      [cancelled.state, cancelled.consumer, cancelled.outcome],
      [...['cancelled', null, { toOwner: String(terms.bond), toConsumer: '0' }]],
    );
    assert.match(cancelled.page, /the seller has taken the offer back/);
    assert.ok(cancelled.page.includes(`${tst(terms.bond)} to the seller, ${tst(0n)} to the buyer`));

    const left = await sold();
    await left.claim(406n);
    await left.consumer.quit(left.id);
    const running = await receiptOf(left.id);
    assert.deepEqual([running.state, running.outcome, running.due, running.paidBlocks], ['active', null, '406', 2]);
    await owner.close(left.id);
    const quitted = await receiptOf(left.id);
    assert.deepEqual(quitted.did, ['offered', 'accepted', 'claimed', 'quitted', 'closed', 'credited', 'credited']);
    assert.deepEqual(quitted.outcome, { toOwner: String(406n + terms.bond), toConsumer: String(terms.price - 406n) });
    assert.match(quitted.page, /Buyer ended the agreement early/);
    assert.ok(quitted.page.includes(`<tr><th>Earned</th><td>${tst(406n)} for the first 2 blocks`));

    const broken = await sold();
    await broken.lapse();
    const lapsed = await receiptOf(broken.id);
    assert.deepEqual([lapsed.state, lapsed.outcome, lapsed.challenges], ['lapsed', null, { asked: 1, answered: 0 }]);
    assert.match(lapsed.page, /has not answered a question in time, and loses the bond unless/);
    await owner.respond(broken.id, market.answer(terms.first, 1));
    assert.deepEqual((await receiptOf(broken.id)).challenges, { asked: 1, answered: 1 }, 'within the grace');
    await broken.lapse();
    await broken.claim(208n);
    await market.goTo((await question(broken.id)).graceEndSeconds! + 1);
    await broken.consumer.breach(broken.id);
    const breached = await receiptOf(broken.id);
    assert.deepEqual(
      [breached.state, breached.due, breached.challenges],
      [...['breached', '208', { asked: 2, answered: 1 }]],
    );
    assert.deepEqual(breached.outcome, { toOwner: '208', toConsumer: String(terms.price - 208n + terms.bond) });
    const credits = breached.steps.filter(({ event }) => event === 'credited');
    assert.equal(credits.filter(({ token: of }) => of === NATIVE).length, 4, 'too much of two stakes, and two stakes');
    assert.match(breached.page, /has lost the bond\)/);
    assert.match(breached.page, /Credited to <code>0x[0-9a-f]{40}<\/code><\/td><td>0\.\d+ ether</);

    const good = await sold();
    await good.consumer.approve(good.id);
    const paid = await receiptOf(good.id);
    assert.deepEqual(paid.outcome, { toOwner: String(terms.price + terms.bond), toConsumer: '0' });
    assert.deepEqual([paid.due, paid.paidBlocks], [String(terms.price), terms.count]);
    assert.ok(paid.page.includes(`<tr><th>Price</th><td>${tst(terms.price)}`) && paid.page.includes(tst(terms.fee)));

    // Of a token that says nothing, or something absurd of itself: units, or all 77 decimals, never a wrong point.
    const { page: _, did: __, ...plain } = paid;
    const named77 = { address: terms.token, symbol: '<b>USDC', decimals: 77 };
    assert.ok(
      receiptPage({ ...plain, token: named77 }).includes(`0.${'0'.repeat(73)}1 &lt;b&gt;USDC (<code>`),
      'of 1,000',
    );
    assert.ok(
      receiptPage({ ...plain, token: { ...named77, decimals: null } }).includes(`1000 units of <code>${terms.token}`),
    );
    assert.equal(
      showAmount(1000n, { token: terms.token, symbol: null, decimals: 77 }).length,
      2 + 74 + ' of the token ()'.length + 42,
    );
  });

  test('what a seller writes into a receipt stays text, in the page', async () => {
    const { id } = await offer();
    const sources = { market: market.ledger, history: createOcascHistory({ ...market.chain, ocasc: market.ocasc }) };
    const token_ = { token: terms.token, symbol: null, decimals: null };
    const rest = { chainBlocks: createChainBlocks(market.chain), fromBlock: 0, described: null, token: token_ };
    const local = { party: 'consumer', sampled: 0, verified: 0, unproven: 0, signedFor: null, feesWei: null } as const;
    const deliveredTo = '/home/x/\u001b]0;owned\u0007\u202e<img src=x onerror=alert(1)>';
    const made = await makeReceipt({ ...sources, ...rest, local: { ...local, deliveredTo } }, id, 'latest');
    assert.ok(made !== null);
    const title = `</title><script>alert("1")</script><style>*{display:none}</style>'&amp;`;
    const about = 'javascript:alert(1)\n<iframe srcdoc="x">';
    const text = descriptionText({
      ...{ v: 1, title, about, licence: '"><svg/onload=alert(1)>', period: null, sizeBytes: null, contents: [] },
      ...{ moreNames: 0, contact: null, request: null },
    });
    const description = { name: `0x${'00'.repeat(32)}`, text, signature: `0x${'00'.repeat(65)}` };
    const page = receiptPage({ ...made, description });
    assert.deepEqual(page.match(/<\/?(script|iframe|svg|img|style|title)\b/g), [
      '<title',
      '</title',
      '<style',
      '</style',
    ]);
    assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)') && page.includes('&#39;&amp;amp;'));
    // Neither terminals nor readers are moved by characters that are not seen.
    assert.doesNotMatch(page.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    await market.owner.cancel(id);
  });

  test('what a token says of itself is read, and what OCASC has and owes; an account and another contract are none', async () => {
    const reader = createTokenReader({ ...market.chain, ocasc: market.ocasc });
    await act('mint', market.owner.account, terms.bond);
    const before = await reader.readToken(terms.token);
    const { id } = await offer();
    const found = await reader.readToken(terms.token);
    assert.deepEqual(found, {
      ...{ token: terms.token, symbol: 'TST', decimals: 18, hasCode: true, isProxy: false, changesAmounts: false },
      ...{ owed: before.owed + terms.bond, held: before.held + terms.bond },
    });
    await market.owner.cancel(id);
    assert.equal(showAmount(15n * 10n ** 17n, found), `1.5 TST (${terms.token})`);
    const { symbol, decimals, hasCode } = await reader.readToken(market.owner.account);
    assert.deepEqual([symbol, decimals, hasCode], [null, null, false]);
    const other = await reader.readToken(market.dissc);
    assert.deepEqual([other.symbol, other.decimals, other.hasCode], [null, null, true]);
    assert.equal(showAmount(1500n, other), `1,500 units of ${market.dissc}`);
  });

  test('symbols that hide something are none, 32 bytes of text are one; proxies and rebasing are seen', async () => {
    const reader = createTokenReader({ ...market.chain, ocasc: market.ocasc });
    const at = `0x${'7e'.repeat(20)}` as Address;
    /** A contract that answers everything with this. */
    const answering = async (hex: string, trailer = '') => {
      const bytes = hex.length / 2;
      const copy = `60${bytes.toString(16).padStart(2, '0')}600c60003960${bytes.toString(16).padStart(2, '0')}6000f3`;
      await market.rpc.call('anvil_setCode', [at, `0x${copy.padStart(24, '0')}${hex}${trailer}`]);
      return reader.readToken(at);
    };
    const text = (symbol: string) => Buffer.from(symbol.padEnd(32, '\0')).toString('hex');
    const string = (symbol: string) => {
      const length = Buffer.byteLength(symbol).toString(16).padStart(64, '0');
      return `${'20'.padStart(64, '0')}${length}${text(symbol)}`;
    };
    assert.equal((await answering(text('MKR'))).symbol, 'MKR');
    for (const [said, shown] of [
      ['USDC', 'USDC'],
      ['', null],
      ['US\u202eDC', null],
      ['a b', null],
      ['ether\n', null],
      ['A'.repeat(17), null],
    ] as const) {
      assert.equal((await answering(string(said))).symbol, shown, JSON.stringify(said));
    }
    const selector = id('sharesOf(address)').slice(2, 10);
    assert.equal((await answering(text('stE'), `63${selector}`)).changesAmounts, true);
    const slot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc';
    await market.rpc.call('anvil_setStorageAt', [at, slot, `0x${'01'.padStart(64, '0')}`]);
    assert.equal((await reader.readToken(at)).isProxy, true);
    await market.rpc.call('anvil_setCode', [
      at,
      `0x363d3d373d3d3d363d73${terms.token.slice(2)}5af43d82803e903d91602b57fd5bf3`,
    ]);
    assert.deepEqual(await reader.isContract(at), true);
    await market.rpc.call('anvil_setCode', [at, `0xef0100${'11'.repeat(20)}`]);
    assert.deepEqual(await reader.isContract(at), false, 'an account that has delegated signs as before');
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
