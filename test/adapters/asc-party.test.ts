import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { ascInterface } from '../../adapters/ethereum/asc-interface.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { encodeUpdate } from '../../adapters/ethereum/dissc-interface.ts';
import { createCallSender } from '../../adapters/ethereum/send-call.ts';
import { ArgumentError, LedgerUnavailableError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';
import type { GrantId, GrantParty, GrantTerms } from '../../core/ports/grants.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { BLOCKS_UNTIL_FINAL } from '../../local/stack/mine-blocks.ts';
import { type Market, NATIVE, randomKey, startMarket } from './ocasc-fixture.ts';
import { refusal as refusalOf } from './refusal.ts';

const UNKNOWN = `0x${'99'.repeat(32)}` as GrantId;

describe('ASC through a node', () => {
  let market: Market;
  let owner: GrantParty;
  let css: GrantParty;
  before(async () => {
    market = await startMarket();
    owner = party(market.ownerKey);
    css = party(await market.newKey());
  });
  after(() => market?.stop());

  const party = (key: PrivateKey) =>
    createAscParty({ ...market.chain, asc: market.asc, signer: createKeySigner(key), waitMs: 20_000 });
  const nowSeconds = async () => {
    const { point } = await market.grants.readGrants([UNKNOWN], 'latest');
    return point.timestampMs / 1000;
  };
  const terms = async (change: Partial<GrantTerms> = {}): Promise<GrantTerms> => ({
    dataset: market.dataset,
    css: css.account,
    perRecordWei: 10n ** 12n,
    first: 2,
    count: 1_000_000,
    digests: true,
    blocks: true,
    maxBlocks: 4096,
    windowSeconds: 600,
    intervalSeconds: 0,
    untilSeconds: (await nowSeconds()) + 86_400,
    ...change,
  });
  const read = async (id: GrantId) => (await market.grants.readGrants([id], 'latest')).grants[0] ?? null;
  const refusal = (reason: string) => refusalOf('ASC', reason);

  test('proposed, accepted, fuelled, revoked, ended: each state is read, and the fuel comes back', async () => {
    const proposal = await terms();
    const { grant } = await owner.authorise(market.named, proposal);
    const proposed = { id: grant, terms: proposal, state: 'proposed', owner: owner.account } as const;
    const untouched = { endSeconds: proposal.untilSeconds, revoked: false, fuelWei: 0n, paidAtSeconds: 0 };
    assert.deepEqual(await read(grant), { ...proposed, ...untouched });
    await assert.rejects(owner.accept(grant), refusal('ASC_NotAllowed'));
    await css.accept(grant);
    await assert.rejects(css.accept(grant), refusal('ASC_WrongState'));
    await css.fund(grant, 700n);
    await owner.fund(grant, 77n);
    await assert.rejects(owner.fund(grant, 0n), refusal('ASC_NoValue'));
    assert.deepEqual(await read(grant), { ...proposed, ...untouched, state: 'accepted', fuelWei: 777n });
    await owner.revoke(grant);
    const endSeconds = (await nowSeconds()) + proposal.windowSeconds;
    assert.deepEqual(await read(grant), {
      ...proposed,
      state: 'accepted',
      fuelWei: 777n,
      revoked: true,
      endSeconds,
      paidAtSeconds: 0,
    });
    await assert.rejects(owner.end(grant), refusal('ASC_NotOver'));
    await market.goTo(endSeconds);
    await css.end(grant);
    assert.deepEqual(
      [(await read(grant))?.state, (await read(grant))?.fuelWei, (await read(grant))?.revoked],
      ['ended', 0n, true],
    );
    assert.equal(await market.grants.readCreditWei(owner.account, 'latest'), 777n);
    const before = await market.balanceWei(owner.account);
    const { feeWei } = await owner.withdraw(owner.account);
    assert.equal(await market.balanceWei(owner.account), before + 777n - feeWei);
    await assert.rejects(owner.withdraw(owner.account), refusal('ASC_NoCredit'));
  });

  test('kinds are told apart; a dropped proposal has ended; many are read in the order asked for', async () => {
    const digests = await owner.authorise(market.named, await terms({ blocks: false }));
    const blocks = await owner.authorise(market.named, await terms({ digests: false }));
    await owner.drop(blocks.grant);
    const { grants } = await market.grants.readGrants([blocks.grant, UNKNOWN, digests.grant], 'latest');
    assert.deepEqual(
      grants.map((one) => one && [one.id, one.state, one.terms.digests, one.terms.blocks]),
      [[blocks.grant, 'ended', false, true], null, [digests.grant, 'proposed', true, false]],
    );
    assert.deepEqual((await market.grants.readGrants([], 'latest')).grants, []);
  });

  test('a grant that is not final yet is not there at the final block', async () => {
    const { grant } = await owner.authorise(market.named, await terms());
    assert.deepEqual((await market.grants.readGrants([grant], 'final')).grants, [null]);
    for (let i = 0; i < BLOCKS_UNTIL_FINAL; i++) await market.mine();
    assert.equal((await market.grants.readGrants([grant], 'final')).grants[0]?.id, grant);
  });

  test('proposals are found by CSS and by dataset, oldest first', async () => {
    const other = accountOfKey(randomKey());
    const first = await owner.authorise(market.named, await terms({ css: other }));
    const second = await owner.authorise(market.named, await terms({ css: other, first: 7, blocks: false }));
    const to = second.transaction.blockNumber;
    await market.mine();
    const find = (query: Parameters<typeof market.grants.findProposed>[0]) => market.grants.findProposed(query, 0, to);
    const found = await find({ css: other });
    assert.deepEqual(
      found.map((one) => [one.id, one.owner, one.blockNumber]),
      [first, second].map(({ grant, transaction }) => [grant, owner.account, transaction.blockNumber]),
    );
    assert.deepEqual(found[1]?.terms, (await read(second.grant))?.terms);
    assert.deepEqual((await find({ css: other, dataset: market.dataset })).length, 2);
    assert.ok((await find({ dataset: market.dataset })).length > 2);
    assert.deepEqual(await find({ dataset: UNKNOWN as string as typeof market.dataset }), []);
    const later = await market.grants.findProposed({ css: other }, to + 1, to + 1);
    assert.deepEqual(later, []);
  });

  test('terms with numbers beyond all bounds are no grant, and hide no other', async () => {
    const other = accountOfKey(randomKey());
    const sender = createCallSender({ ...market.chain, signer: createKeySigner(market.ownerKey) });
    const contract = { name: 'ASC', at: market.asc, abi: ascInterface };
    const huge = {
      dataset: market.dataset,
      css: other,
      perRecord: 1,
      first: 0,
      count: 2n ** 64n - 1n,
      kinds: 3,
      maxBlocks: 1,
      window: 1,
      interval: 0,
      until: (await nowSeconds()) + 1000,
    };
    const { name, kind } = market.named;
    const receipt = await sender.inTurn((send) =>
      send({ contract, data: ascInterface.encodeFunctionData('authorise', [name, kind, huge]) }),
    );
    const id = receipt.logs[0]?.topics[1] as GrantId;
    const good = await owner.authorise(market.named, await terms({ css: other }));
    const { grants } = await market.grants.readGrants([id, good.grant], 'latest');
    assert.deepEqual(
      grants.map((one) => one?.id ?? null),
      [null, good.grant],
    );
    const found = await market.grants.findProposed({ css: other }, 0, good.transaction.blockNumber);
    assert.deepEqual(
      found.map((one) => one.id),
      [good.grant],
    );
    await assert.rejects(owner.authorise(market.named, await terms({ count: 2 ** 70 })), ArgumentError);
  });

  test('a record that is relayed is paid for, however much has come; the next one only after its interval', async () => {
    const { grant } = await owner.authorise(market.named, await terms({ intervalSeconds: 3600 }));
    await css.accept(grant);
    await owner.fund(grant, 10n ** 13n);
    const credit = await market.grants.readCreditWei(css.account, 'latest');
    const sender = createCallSender({ ...market.chain, signer: createKeySigner(await market.newKey()) });
    const contract = { name: 'ASC', at: market.asc, abi: ascInterface };
    const relay = async (sizes: readonly (readonly number[])[]) => {
      for (const batch of sizes) market.log.seal(batch);
      const update = encodeUpdate(market.log.update());
      const data = ascInterface.encodeFunctionData('relay', [[grant], [], [update]]);
      return sender.inTurn((send) => send({ contract, data }));
    };
    await relay([[1], [2, 2], [3]]);
    const paid = await read(grant);
    assert.equal(paid?.fuelWei, 9n * 10n ** 12n);
    assert.equal(paid?.paidAtSeconds, await nowSeconds());
    assert.equal(await market.grants.readCreditWei(css.account, 'latest'), credit + 10n ** 12n);
    const early = await relay([[4]]);
    const [event] = early.logs.map((one) => ascInterface.parseLog({ ...one, topics: [...one.topics] }));
    assert.equal(event?.name, 'NotRelayed');
    assert.equal(ascInterface.getError(event?.args.reason)?.name, 'ASC_TooEarly');
    assert.equal((await read(grant))?.fuelWei, 9n * 10n ** 12n);
    assert.equal(await market.grants.readCreditWei(NATIVE, 'latest'), 0n);
  });

  test('an address without ASC, another contract there, and no node are a chain that cannot be read', async () => {
    for (const options of [
      { asc: css.account },
      { asc: market.ocasc },
      { asc: market.dissc },
      { asc: market.asc, rpcUrl: 'http://127.0.0.1:1' },
    ]) {
      const ledger = createAscLedger({ ...market.chain, ...options });
      await assert.rejects(ledger.readGrants([UNKNOWN], 'latest'), LedgerUnavailableError);
      await assert.rejects(ledger.readCreditWei(css.account, 'latest'), LedgerUnavailableError);
    }
    await assert.rejects(market.grants.readGrants([UNKNOWN], 'latest', AbortSignal.abort()), { name: 'AbortError' });
  });
});
