import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { pathTo } from '../../client/sale/answer-question.ts';
import { holdBatch } from '../../client/sale/hold-batch.ts';
import { offerBlocks } from '../../client/sale/offer-blocks.ts';
import { maxDeliveredBlocks } from '../../client/sale/pack-keys.ts';
import { readKeptVoucher } from '../../client/sale/read-kept-voucher.ts';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import type { SaleParts } from '../../client/sale/sale-parts.ts';
import { openSaleState, SaleStateError } from '../../client/sale/sale-state.ts';
import { answerChallenge } from '../../core/agreement/own-batch.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { requireContentKey } from '../../core/block/content-keys.ts';
import { fromHex } from '../../core/bytes.ts';
import { LedgerUnavailableError, StateError, StoreUnavailableError } from '../../core/errors.ts';
import type { Address, AgreementId, ContentKey } from '../../core/ids.ts';
import { clientOf, type Market, startMarket } from '../functions/start-sale.ts';
import { indicesOf, makeOwner, NATIVE, type Owner, sell } from './sale-fixture.ts';

describe("the owner's side on the chain", { timeout: 120_000 }, () => {
  let market: Market;
  let owner: Owner;
  const ofMarket = () => market.ports.agreements as SaleParts['market'];
  const newest = async (id: AgreementId) => {
    const { agreement } = await ofMarket().readAgreement(id, 'latest');
    assert.ok(agreement);
    return agreement;
  };
  const names = (said: readonly SaleEvent[], id: AgreementId) =>
    said.filter(({ agreement }) => agreement === id).map(({ event }) => event);
  const challenge = (sale: Awaited<ReturnType<typeof sell>>, block: number, seed = 7) =>
    sale.buyer.challenge(sale.id, { block, seed, valueWei: 10n ** 16n });
  const withoutStorage = (): Pick<SaleParts, 'serviceFor'> => {
    const gone = async () => {
      throw new StoreUnavailableError('There is no storage any more.');
    };
    const nothing = {
      ...{ getRecords: gone, getSegment: gone, hashBlocks: gone, proveChunks: gone, getBlock: gone },
      ...{ storeVoucher: gone, getVoucher: gone, postMessage: gone, listMessages: gone },
    };
    return { serviceFor: () => nothing };
  };
  const creditOf = (account: Address) => ofMarket().readCredit(NATIVE, account, 'latest');
  /** What `KeyShown` says. */
  const shownKey = async (id: AgreementId): Promise<ContentKey> => {
    const { topicHash } = ocascInterface.getEvent('KeyShown')!;
    const filter = { address: market.contracts.ocasc, topics: [topicHash, id], fromBlock: '0x0', toBlock: 'latest' };
    const [log] = (await market.rpc.call('eth_getLogs', [filter])) as { topics: string[]; data: string }[];
    assert.ok(log);
    return fromHex(String(ocascInterface.parseLog(log)?.args.contentKey)) as ContentKey;
  };
  before(async () => {
    market = await startMarket();
    owner = await makeOwner(market);
  });
  after(async () => {
    await owner?.close();
    await market?.stop();
  });

  it('finds new offers although its node once named a final block far ahead', async () => {
    await owner.serveOnce();
    const readPoint = owner.partsOf({} as never).readPoint;
    const ahead: SaleParts['readPoint'] = async (anchor, signal) => {
      const point = await readPoint(anchor, signal);
      return { ...point, blockNumber: point.blockNumber + 1_000_000 };
    };
    const sure = { ...ofMarket(), findOffers: async () => [] };
    await owner.serveOnce({ readPoint: ahead, market: sure });
    const { id } = await sell(market, owner);
    const said = await owner.serveOnce();
    assert.ok(names(said, id).includes('offer-found'));
    const [trouble] = said.flatMap((one) => (one.event === 'trouble' ? [one.reason] : []));
    assert.match(trouble ?? '', /^The node's final block is \d+, but it was \d+ before\./);
    assert.ok(!(await owner.serveOnce()).some(({ event }) => event === 'trouble'), 'it is said once');
  });

  it('answers a challenge, once, and claims the voucher meanwhile', async () => {
    const sale = await sell(market, owner);
    await sale.ask([], 610n);
    await owner.serveOnce();
    assert.equal((await newest(sale.id)).due, 10n, 'there is no reason to claim yet');
    await challenge(sale, 4, 2);
    const credit = await ofMarket().readCredit(NATIVE, owner.owner.account, 'latest');
    const said = await owner.serveOnce();
    assert.deepEqual(names(said, sale.id).slice(0, 3).toSorted(), ['answered', 'challenged', 'claimed']);
    const after = await newest(sale.id);
    assert.deepEqual([after.state, after.due, after.challenges], ['active', 610n, 1]);
    assert.ok(
      (await ofMarket().readCredit(NATIVE, owner.owner.account, 'latest')) > credit,
      'the stake is the owner’s',
    );
    const again = await owner.serveOnce();
    assert.ok(!names(again, sale.id).some((event) => event === 'answered' || event === 'claimed'));
    const isFound = ({ event }: SaleEvent) => event === 'answers-found';
    assert.deepEqual(
      [said.some(isFound), again.find(isFound)],
      [false, { event: 'answers-found', agreement: sale.id, number: 1 }],
      'who was killed behind the answer hears of it',
    );
  });

  it('delivers all of it to who approved before it came, and then is through', async () => {
    const sale = await sell(market, owner);
    await sale.ask([], 610n);
    await owner.serveOnce();
    const before = indicesOf((await sale.receive()).keys).length;
    assert.ok(before < sale.terms.count);
    await sale.buyer.approve(sale.id);
    await market.finalise();
    const said = await owner.serveOnce();
    assert.ok(!names(said, sale.id).includes('settled'));
    assert.equal(before + indicesOf((await sale.receive()).keys).length, sale.terms.count);
    assert.deepEqual(names(await owner.serveOnce(), sale.id), ['settled']);
  });

  it('answers from the block itself when the storage gives a false proof, and not at all from false bytes', async () => {
    const sale = await sell(market, owner);
    await owner.serveOnce();
    await challenge(sale, 1);
    const lying = (change: (service: ReturnType<typeof clientOf>) => object): Partial<SaleParts> => ({
      serviceFor: (agreement) => {
        const service = clientOf(market.ports, owner.agentKey, agreement);
        return { ...service, ...change(service) };
      },
    });
    const falseProofs = (service: ReturnType<typeof clientOf>) => ({
      async proveChunks(...call: Parameters<typeof service.proveChunks>) {
        const { answers } = await service.proveChunks(...call);
        return {
          answers: answers.map((one) => ('chunk' in one ? { ...one, chunk: one.chunk.map((b) => b ^ 1) } : one)),
        };
      },
    });
    const falseBytes = (service: ReturnType<typeof clientOf>) => ({
      ...falseProofs(service),
      getBlock: async () => ({ block: new Uint8Array(3016), meta: new Uint8Array(0) }),
    });
    const refused = await owner.serveOnce(lying(falseBytes));
    const unanswered = refused.find((one) => one.event === 'unanswered' && one.agreement === sale.id);
    assert.match(
      unanswered?.event === 'unanswered' ? unanswered.reason : '',
      /bytes that differ from the recorded block/,
    );
    assert.equal((await newest(sale.id)).state, 'challenged');
    const said = await owner.serveOnce(lying(falseProofs));
    assert.ok(names(said, sale.id).includes('answered'), JSON.stringify(said));
    assert.equal((await newest(sale.id)).state, 'active');
  });

  it('keeps all but the chunk when the storage is gone: a copy of the block is enough to answer', async () => {
    const sale = await sell(market, owner);
    await owner.serveOnce();
    await challenge(sale, 9);
    const parts = withoutStorage();
    const said = await owner.serveOnce(parts);
    const unanswered = said.find((one) => one.event === 'unanswered' && one.agreement === sale.id);
    assert.ok(unanswered?.event === 'unanswered' && unanswered.secondsLeft > 0 && unanswered.secondsLeft <= 60);
    const state = openSaleState(join(owner.folder, 'state'), owner.identity);
    try {
      const own = { ...owner.partsOf(state), ...parts };
      const held = await holdBatch(own, sale.agreement, 9, AbortSignal.timeout(5000));
      const { car } = owner.batches[2]!.segment;
      const block = readSegment(nodePrimitives, car).blocks[9 - 7] as Uint8Array;
      const chunk = proveChunk(nodePrimitives, block, 7);
      await own.party.respond(sale.id, {
        asks: 'chunk',
        path: pathTo(own, sale.agreement, held, 9),
        answer: answerChallenge(nodePrimitives, held.batch, 9, 7, chunk),
      });
    } finally {
      state.close();
    }
    assert.equal((await newest(sale.id)).state, 'active');
  });

  it('answers a demand with the committed key by itself, though the storage is gone', async () => {
    const sale = await sell(market, owner);
    await owner.serveOnce();
    const { due, signature } = sale.voucher(610n);
    // The contract owes keys of what is paid for on the chain alone.
    await assert.rejects(sale.buyer.demandKey(sale.id, { block: 5, valueWei: 10n ** 17n }), /OCASC_BlockNotPaid/);
    await sale.buyer.claim(sale.id, due, signature);
    await sale.buyer.demandKey(sale.id, { block: 5, valueWei: 10n ** 17n });
    assert.equal((await newest(sale.id)).question?.asks, 'key');
    const said = await owner.serveOnce(withoutStorage());
    const [challenged] = said.filter((one) => one.event === 'challenged' && one.agreement === sale.id);
    assert.ok(challenged?.event === 'challenged' && challenged.asks === 'key');
    assert.ok(names(said, sale.id).includes('answered'), JSON.stringify(said));
    const { state, demands } = await newest(sale.id);
    assert.deepEqual([state, demands], ['active', 1]);
    // Anybody sees the key on the chain now; it is the one that the record commits to.
    const shown = await shownKey(sale.id);
    const { record } = owner.batches[1]!.manifest.blocks[5 - 3]!;
    requireContentKey(nodePrimitives, record.contentCommitment, shown, 5);
  });

  it('loses the bond where it cannot show the committed key: a consumer who was sent wrong ones pays no more', async () => {
    const sale = await sell(market, owner, { bond: 20n, windowSeconds: 4 });
    await owner.serveOnce();
    const { due, signature } = sale.voucher(110n);
    await sale.buyer.claim(sale.id, due, signature);
    await sale.buyer.demandKey(sale.id, { block: 0, valueWei: 10n ** 17n });
    const { question } = await newest(sale.id);
    assert.ok(question);
    const state = openSaleState(join(owner.folder, 'state'), owner.identity);
    try {
      const held = await holdBatch(owner.partsOf(state), sale.agreement, 0, AbortSignal.timeout(5000));
      const { record } = owner.batches[0]!.manifest.blocks[0]!;
      const wrong = { record, contentKey: new Uint8Array(32).fill(1) as ContentKey };
      const path = pathTo(owner.partsOf(state), sale.agreement, held, 0);
      await assert.rejects(
        owner.partsOf(state).party.respond(sale.id, { asks: 'key', path, answer: wrong }),
        /OCASC_WrongKey/,
      );
    } finally {
      state.close();
    }
    await market.passSeconds(5);
    await sale.buyer.lapse(sale.id);
    await assert.rejects(sale.buyer.breach(sale.id), /OCASC_TooEarly/);
    await market.passSeconds(2);
    const before = await creditOf(sale.consumer.account);
    await sale.buyer.breach(sale.id);
    const stake = question.stakeWei;
    assert.equal((await creditOf(sale.consumer.account)) - before, 1210n - 110n + 20n + stake);
    assert.equal((await newest(sale.id)).state, 'breached');
  });

  it('answers what has lapsed until the grace is over', async () => {
    const sale = await sell(market, owner, { windowSeconds: 40 });
    await owner.serveOnce();
    await challenge(sale, 2);
    await market.passSeconds(41);
    await sale.buyer.lapse(sale.id);
    const lapsed = await newest(sale.id);
    assert.deepEqual([lapsed.state, lapsed.question?.graceEndSeconds !== null], ['lapsed', true]);
    const said = await owner.serveOnce();
    assert.ok(names(said, sale.id).includes('answered'), JSON.stringify(said));
    assert.equal((await newest(sale.id)).state, 'active');

    const late = await sell(market, owner, { windowSeconds: 40 });
    await owner.serveOnce();
    await challenge(late, 2);
    await market.passSeconds(41);
    await late.buyer.lapse(late.id);
    await market.passSeconds(11);
    assert.ok(!names(await owner.serveOnce(), late.id).includes('answered'), 'nothing is sent in vain');
    await late.buyer.breach(late.id);
    assert.equal((await newest(late.id)).state, 'breached');
  });

  it('claims what is owed after the end, also when the consumer quits, and closes when anyone may', async () => {
    const sale = await sell(market, owner);
    await sale.ask([], 910n);
    await owner.serveOnce();
    const folder = join(owner.folder, 'state');
    assert.equal(readKeptVoucher(folder, sale.id)?.due, 910n, 'beside a server, too');
    assert.throws(() => readKeptVoucher(owner.folder, sale.id), SaleStateError);
    await sale.buyer.quit(sale.id);
    const said = await owner.serveOnce();
    assert.ok(names(said, sale.id).includes('claimed'), JSON.stringify(said));
    assert.equal((await newest(sale.id)).due, 910n);
    await market.passSeconds(61);
    await owner.serveOnce();
    assert.equal((await newest(sale.id)).state, 'closed');
    await market.finalise();
    assert.deepEqual(names(await owner.serveOnce(), sale.id), ['settled']);
    assert.deepEqual(names(await owner.serveOnce(), sale.id), [], 'it is left alone then');
  });

  it('does not let one bad agreement, a dumb chain or a dumb service stop the others', async () => {
    const bad = await sell(market, owner);
    const good = await sell(market, owner);
    await good.ask([3]);
    const down: Partial<SaleParts> = {
      market: {
        ...ofMarket(),
        readAgreement: async (id, ...call) => {
          if (id === bad.id) throw new LedgerUnavailableError('The chain does not answer.');
          return ofMarket().readAgreement(id, ...call);
        },
      },
    };
    const said = await owner.serveOnce(down);
    assert.deepEqual(names(said, bad.id), ['offer-found', 'trouble']);
    assert.deepEqual(indicesOf((await good.receive()).keys), [3]);
    const noKey = await owner.serveOnce({ datasetKeys: new Map() });
    const servable = noKey.find((one) => one.event === 'not-servable' && one.agreement === bad.id);
    assert.match(servable?.event === 'not-servable' ? servable.reason : '', /no key of dataset/);
    assert.ok(names(await owner.serveOnce(), bad.id).includes('archived'));
  });

  it('is not fooled by a storage that shows other records, and calls the agreement not servable', async () => {
    const sale = await sell(market, owner);
    const lying: Partial<SaleParts> = {
      fetchManifest: async (...call) => {
        const manifest = await owner.partsOf(null as never).fetchManifest(...call);
        if (manifest === null) return null;
        const [block, ...others] = manifest.blocks;
        return { ...manifest, blocks: [{ ...block!, sha256: others[0]!.sha256 }, ...others] };
      },
    };
    // What earlier sales have archived would do: this state holds nothing yet.
    const state = openSaleState(join(owner.folder, 'fresh'), owner.identity);
    const said = await owner.serveOnce({ ...lying, state }).finally(() => state.close());
    const found = said.find((one) => one.event === 'not-servable' && one.agreement === sale.id);
    assert.match(found?.event === 'not-servable' ? found.reason : '', /do not lead to the log of 12 blocks/);
  });

  it('offers nothing that is not recorded, cannot be delivered, or stands already', async () => {
    const parts = {
      ...{ primitives: nodePrimitives, ledger: market.ports.ledger, market: ofMarket(), fromBlock: 0 },
      ...{ party: owner.party.agreements, agent: owner.agent, offersSecret: owner.offersSecret },
    };
    const { terms } = await sell(market, owner);
    const unrecorded = { ...terms, count: 13 };
    await assert.rejects(offerBlocks(parts, owner, unrecorded, { again: false }), { name: 'NotRecordedError' });
    const tooMany = { ...terms, samples: maxDeliveredBlocks(12) };
    await assert.rejects(offerBlocks(parts, owner, tooMany, { again: false }), /one agreement's mailbox/);
    // The audit's offer: all the price at once, and nothing has to be delivered any more a second later.
    const trap = { ...terms, price: 10n ** 19n, fee: 10n ** 19n, bond: 10n ** 19n };
    const refused = (change: object) => offerBlocks(parts, owner, { ...trap, ...change }, { again: false });
    await assert.rejects(refused({ durationSeconds: 1 }), /OCASC_BadDuration/);
    await assert.rejects(refused({ windowSeconds: 1 }), /OCASC_BadWindow/);
    await assert.rejects(refused({ maxDemands: 0 }), /OCASC_NoQuestions/);
    await assert.rejects(refused({ fee: 10n ** 19n + 1n }), /OCASC_FeeTooHigh/);
    const wanted = { ...terms, price: 777n };
    const first = await offerBlocks(parts, owner, wanted, { again: false });
    const same = await offerBlocks(parts, owner, { ...wanted, acceptBySeconds: 2n ** 40n }, { again: false });
    assert.deepEqual([same.id, same.txHash], [first.id, null]);
    const another = await offerBlocks(parts, owner, wanted, { again: true });
    assert.notEqual(another.id, first.id);
    const behind = { ...ofMarket(), readOfferCount: async () => 0n };
    await assert.rejects(offerBlocks({ ...parts, market: behind }, owner, wanted, { again: true }), (error) => {
      assert.ok(error instanceof StateError);
      return /Cancel it: plumb owner cancel 0x/.test(error.shortMessage);
    });
  });
});
