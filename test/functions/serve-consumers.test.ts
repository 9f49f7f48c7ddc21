import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import { createRequestSigner } from '../../adapters/http-signature/sign-request.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { to0x } from '../../core/bytes.ts';
import { PLAIN } from '../../core/charter/kind.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Fault } from '../../core/ports/css.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import { agreementPk } from '../../functions/state/entries.ts';
import { rememberGrant } from '../../functions/state/grant-entry.ts';
import { handlerOf } from './handler-of.ts';
import { clientOf, type Market, makeSale, type Sale, SOME_KEY, startMarket, WINDOW_SECONDS } from './start-sale.ts';
import { dump, key } from './start-service.ts';

type Client = ReturnType<typeof clientOf>;

const ALL = Array.from({ length: 64 }, (_, i) => i);

describe('an agreement’s parties at the service', () => {
  let market: Market;
  before(async () => {
    market = await startMarket();
  });
  after(() => market?.stop());
  afterEach(() => {
    Object.assign(market.stores.clock, { offsetMs: 0, stoppedAtMs: null });
  });

  const refusedAs = (type: string) => (error: unknown) => {
    assert.ok(error instanceof RequestRefusedError, String(error));
    assert.equal(error.type, `/problems/${type}`, error.message);
    return true;
  };
  const challengesOf = (indices: readonly number[]) => indices.map((index) => ({ index, random: 7 * index }));
  const prove = async (client: Client, sale: Sale, indices: readonly number[]) =>
    (await client.proveChunks(sale.dataset, challengesOf(indices))).answers;
  const hash = async (client: Client, sale: Sale, indices: readonly number[]) =>
    (await client.hashBlocks(sale.dataset, indices)).answers;
  const get = (client: Client, sale: Sale, index: number) => client.getBlock(sale.dataset, index);
  const servedOf = (answers: readonly (object & { index: number })[]) =>
    answers.filter((answer) => !('kind' in answer)).map(({ index }) => index);
  const refusalsOf = (answers: readonly object[]) =>
    answers.filter((answer): answer is Fault => 'kind' in answer && answer.kind === 'refused');
  /** Every way to be served something: each of them is refused like this. */
  async function refusesAll(client: Client, sale: Sale, type: string) {
    await assert.rejects(hash(client, sale, [0]), refusedAs(type), 'hash-blocks');
    await assert.rejects(prove(client, sale, [0]), refusedAs(type), 'prove-chunks');
    await assert.rejects(get(client, sale, 0), refusedAs(type), 'get-block');
    await assert.rejects(client.getSegment(sale.dataset, 0), refusedAs(type), 'get-segment');
  }
  const entryOf = async (sale: Sale) => (await dump(market.stores.table, agreementPk(sale.id)))[0];
  const payFor = (sale: Sale, blocks: number) => sale.signer.storeVoucher(...sale.voucher(10n + 100n * BigInt(blocks)));

  describe('what the consumer gets', () => {
    test('hashes of all that is for sale, as often as it likes', async () => {
      const sale = await makeSale(market);
      assert.deepEqual(servedOf(await hash(sale.signer, sale, ALL)), ALL);
      assert.deepEqual(servedOf(await hash(sale.signer, sale, ALL)), ALL);
      assert.equal(await entryOf(sale), undefined, 'hashes are no data: nothing is counted');
    });

    test('the samples, in the order asked for, then none; repeats are free and write nothing', async () => {
      const sale = await makeSale(market);
      const first = await prove(sale.signer, sale, [9, 60, 3]);
      assert.deepEqual(servedOf(first), [9, 60, 3]);
      const second = await prove(sale.signer, sale, [3, 20, 21, 9]);
      assert.deepEqual(servedOf(second), [3, 20, 9], 'one sample was left');
      assert.deepEqual(
        second.map(({ index }) => index),
        [3, 20, 21, 9],
      );
      assert.match(refusalsOf(second)[0]?.reason ?? '', /all 4 samples are used up. A voucher for 2210 pays for it/);
      const entry = await entryOf(sale);
      assert.deepEqual(entry?.samples, new Uint8Array([3, 9, 20, 60].flatMap((offset) => [0, 0, 0, offset])));
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [60, 20, 9, 3])), [60, 20, 9, 3]);
      assert.deepEqual(await entryOf(sale), entry);
    });

    test('samples of prove-chunks and of get-block are the same', async () => {
      const sale = await makeSale(market);
      await prove(sale.signer, sale, [5, 6]);
      const { blocks: stored } = readSegment(nodePrimitives, (sale.batches[0] as Sale['batches'][0]).segment.car);
      const got = await get(sale.signer, sale, 5);
      assert.ok('block' in got);
      assert.deepEqual(Buffer.from(got.block), Buffer.from(stored[5] as Uint8Array));
      await get(sale.signer, sale, 7);
      await get(sale.signer, sale, 8);
      await assert.rejects(get(sale.signer, sale, 9), refusedAs('not-paid'));
      assert.equal(refusalsOf(await prove(sale.signer, sale, [9])).length, 1);
    });

    test('the blocks that a voucher pays for, and no more', async () => {
      const sale = await makeSale(market, { terms: { samples: 0 } });
      await assert.rejects(get(sale.signer, sale, 0), refusedAs('not-paid'));
      assert.equal(refusalsOf(await prove(sale.signer, sale, ALL)).length, 64);
      assert.equal(await entryOf(sale), undefined, 'what is refused leaves nothing behind');
      await payFor(sale, 10);
      assert.deepEqual(servedOf(await prove(sale.signer, sale, ALL)), ALL.slice(0, 10));
      await get(sale.signer, sale, 9);
      await assert.rejects(get(sale.signer, sale, 10), refusedAs('not-paid'));
      // One unit short of the eleventh block.
      await sale.signer.storeVoucher(...sale.voucher(10n + 1099n));
      await assert.rejects(get(sale.signer, sale, 10), refusedAs('not-paid'));
      await sale.signer.storeVoucher(...sale.voucher(10n + 1100n));
      await get(sale.signer, sale, 10);
      // An older voucher takes nothing away.
      await payFor(sale, 1);
      await get(sale.signer, sale, 10);
      await assert.rejects(get(sale.signer, sale, 11), refusedAs('not-paid'));
    });

    test('a whole segment, once every block of it is paid for', async () => {
      const sale = await makeSale(market);
      await assert.rejects(sale.signer.getSegment(sale.dataset, 0), refusedAs('not-paid'));
      await payFor(sale, 47);
      await assert.rejects(sale.signer.getSegment(sale.dataset, 0), refusedAs('not-paid'));
      await payFor(sale, 48);
      const { get: presigned } = await sale.signer.getSegment(sale.dataset, 0);
      const fetched = new Uint8Array(await (await fetch(presigned.url)).arrayBuffer());
      assert.deepEqual(fetched, (sale.batches[0] as Sale['batches'][0]).segment.car);
      await assert.rejects(sale.signer.getSegment(sale.dataset, 48), refusedAs('not-paid'));
    });

    test('no segment that holds blocks which are not for sale', async () => {
      const sale = await makeSale(market, { terms: { first: 1, count: 50 } });
      await sale.signer.storeVoucher(...sale.voucher(sale.terms.price));
      for (const first of [0, 48]) {
        await assert.rejects(sale.signer.getSegment(sale.dataset, first), refusedAs('forbidden'), `${first}`);
      }
    });

    test('what was claimed on the chain counts like a voucher, once it is final', async () => {
      const sale = await makeSale(market, { terms: { samples: 0 } });
      const [{ due }, signature] = sale.voucher(10n + 300n);
      await sale.party.agreements.claim(sale.id, due, signature);
      await assert.rejects(get(sale.signer, sale, 2), refusedAs('not-paid'), 'not final yet');
      await market.finalise();
      market.stores.clock.offsetMs = 15_001;
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [0, 1, 2, 3])), [0, 1, 2]);
    });

    test('all of it after approval, until the end', async () => {
      const sale = await makeSale(market);
      await sale.buyer.agreements.approve(sale.id);
      await market.finalise();
      assert.deepEqual(servedOf(await prove(sale.signer, sale, ALL)), ALL);
      await sale.signer.getSegment(sale.dataset, 48);
      market.stores.clock.offsetMs = 3_700_000;
      await refusesAll(sale.signer, sale, 'ended');
    });

    test('nothing that is not for sale, nor of another dataset', async () => {
      const [sale, other] = [await makeSale(market, { terms: { first: 10, count: 20 } }), await makeSale(market)];
      const answers = [await hash(sale.signer, sale, [9, 10, 29, 30]), await prove(sale.signer, sale, [9, 10, 29, 30])];
      for (const one of answers) {
        assert.deepEqual(servedOf(one), [10, 29]);
        assert.match(refusalsOf(one)[0]?.reason ?? '', /covers only blocks 10 to 29/);
      }
      await assert.rejects(get(sale.signer, sale, 30), refusedAs('forbidden'));
      await refusesAll(sale.signer, other, 'forbidden');
    });

    test('the same while a challenge is open', async () => {
      const sale = await makeSale(market);
      await sale.buyer.agreements.challenge(sale.id, { block: 0, seed: 1, valueWei: 10n ** 18n });
      await market.finalise();
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [1, 2])), [1, 2]);
    });
  });

  describe('grants of ASC', () => {
    test('without one, a consumer gets nothing', async () => {
      const sale = await makeSale(market, { grant: null });
      await refusesAll(sale.signer, sale, 'no-grant');
    });

    test('that are proposed count neither before they are accepted nor before that is final', async () => {
      const sale = await makeSale(market, { grant: null });
      const { grant } = await sale.party.grants.authorise(
        { name: sale.name, kind: PLAIN },
        {
          ...{ dataset: sale.dataset, css: market.css.account, perRecordWei: 0n, first: 0, count: 64, digests: true },
          ...{ blocks: true, maxBlocks: 64, windowSeconds: 60, intervalSeconds: 0 },
          untilSeconds: Math.floor(Date.now() / 1000) + 86_400,
        },
      );
      await rememberGrant(market.stores.table, sale.dataset, grant);
      await market.finalise();
      await refusesAll(sale.signer, sale, 'no-grant');
      await market.as(market.css).grants.accept(grant);
      market.stores.clock.offsetMs = 1_001;
      await refusesAll(sale.signer, sale, 'no-grant');
      await market.finalise();
      market.stores.clock.offsetMs = 2_002;
      await get(sale.signer, sale, 0);
    });

    test('to another storage’s account are none of ours', async () => {
      const sale = await makeSale(market, { grant: null });
      await sale.grantTo({}, await market.funded());
      await market.finalise();
      await refusesAll(sale.signer, sale, 'no-grant');
    });

    test('of another dataset are none, whatever the table says', async () => {
      const [sale, other] = [await makeSale(market, { grant: null }), await makeSale(market)];
      assert.ok(other.grant !== null);
      await rememberGrant(market.stores.table, sale.dataset, other.grant);
      await refusesAll(sale.signer, sale, 'no-grant');
    });

    test('say which kinds: digests for Protocol III, blocks for IV', async () => {
      const digests = await makeSale(market, { grant: { blocks: false } });
      assert.deepEqual(servedOf(await prove(digests.signer, digests, [0])), [0]);
      assert.deepEqual(servedOf(await hash(digests.signer, digests, [0])), [0]);
      await digests.signer.storeVoucher(...digests.voucher(digests.terms.price));
      await assert.rejects(get(digests.signer, digests, 0), refusedAs('no-grant'));
      await assert.rejects(digests.signer.getSegment(digests.dataset, 0), refusedAs('no-grant'));
      const whole = await makeSale(market, { grant: { digests: false } });
      await get(whole.signer, whole, 0);
      await assert.rejects(hash(whole.signer, whole, [0]), refusedAs('no-grant'));
      await assert.rejects(prove(whole.signer, whole, [0]), refusedAs('no-grant'));
    });

    test('say which blocks', async () => {
      const sale = await makeSale(market, { grant: { first: 2, count: 3 } });
      assert.deepEqual(servedOf(await hash(sale.signer, sale, [1, 2, 4, 5])), [2, 4]);
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [1, 2, 4, 5])), [2, 4]);
      await assert.rejects(get(sale.signer, sale, 5), refusedAs('no-grant'));
      await sale.signer.storeVoucher(...sale.voucher(sale.terms.price));
      await assert.rejects(sale.signer.getSegment(sale.dataset, 0), refusedAs('no-grant'));
    });

    test('say how many distinct blocks an agreement may see, paid or not', async () => {
      const sale = await makeSale(market, { grant: { maxBlocks: 5 } });
      await sale.signer.storeVoucher(...sale.voucher(10n + 300n));
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [40, 0, 1, 2, 41, 42])), [40, 0, 1, 2, 41]);
      await sale.signer.storeVoucher(...sale.voucher(sale.terms.price));
      const answers = await prove(sale.signer, sale, ALL);
      assert.deepEqual(servedOf(answers), [0, 1, 2, 40, 41]);
      assert.match(refusalsOf(answers)[0]?.reason ?? '', /show 5 blocks for an agreement, and all of them are used up/);
      await assert.rejects(get(sale.signer, sale, 3), refusedAs('no-grant'));
      await assert.rejects(sale.signer.getSegment(sale.dataset, 0), refusedAs('no-grant'));
    });

    test('add up: the blocks of each, and the largest ceiling', async () => {
      const sale = await makeSale(market, { grant: { first: 0, count: 2, maxBlocks: 1 }, terms: { samples: 10 } });
      await sale.grantTo({ first: 30, count: 2, maxBlocks: 3 });
      await sale.grantTo({ first: 50, count: 2, maxBlocks: 60, digests: false });
      await market.finalise();
      assert.deepEqual(servedOf(await hash(sale.signer, sale, [1, 2, 31, 32, 50])), [1, 31]);
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [0, 1, 2, 30, 31, 50])), [0, 1, 30]);
      await get(sale.signer, sale, 50);
      await get(sale.signer, sale, 31);
      assert.deepEqual(servedOf(await prove(sale.signer, sale, [31])), [31], 'seen already');
    });

    test('bound what is paid on the chain too, also where another process has not read of it', async () => {
      const sale = await makeSale(market, { grant: { maxBlocks: 5 }, terms: { samples: 64 } });
      const late = clientOf(market.anotherProcess(), sale.signerKey, sale.id);
      await hash(late, sale, [0]);
      await prove(late, sale, [60]);
      const [{ due }, signature] = sale.voucher(10n + 300n);
      await sale.party.agreements.claim(sale.id, due, signature);
      await market.finalise();
      const seen = new Set([60]);
      const early = clientOf(market.anotherProcess(), sale.signerKey, sale.id);
      for (const index of servedOf(await prove(early, sale, [0, 1, 2]))) seen.add(index);
      for (const index of servedOf(await prove(late, sale, [50, 51, 52, 53, 54]))) seen.add(index);
      assert.equal(seen.size, 5, [...seen].join());
    });

    for (const by of ['owner', 'css'] as const) {
      test(`revoked by the ${by} between two requests: what was let in is out within 15 s`, async () => {
        const sale = await makeSale(market);
        const { clock } = market.stores;
        clock.stoppedAtMs = Date.now();
        await hash(sale.signer, sale, [0]);
        await prove(sale.signer, sale, [0]);
        await get(sale.signer, sale, 0);
        assert.ok(sale.grant !== null);
        await (by === 'owner' ? sale.party : market.as(market.css)).grants.revoke(sale.grant);
        clock.offsetMs = 14_999;
        await hash(sale.signer, sale, [0]);
        await get(sale.signer, sale, 0);
        clock.offsetMs = 15_000;
        await refusesAll(sale.signer, sale, 'no-grant');
        await refusesAll(clientOf(market.anotherProcess(), sale.signerKey, sale.id), sale, 'no-grant');
      });
    }

    test('end when they said', async () => {
      const untilSeconds = Math.floor(Date.now() / 1000) + 1800;
      const sale = await makeSale(market, { grant: { untilSeconds } });
      const { clock } = market.stores;
      clock.stoppedAtMs = 1000 * untilSeconds - 1;
      await get(sale.signer, sale, 0);
      clock.stoppedAtMs = 1000 * untilSeconds;
      await refusesAll(sale.signer, sale, 'no-grant');
    });

    test('are for nobody where the service does not know its own account', async () => {
      const sale = await makeSale(market);
      const settings = { ...market.ports.settings(), cssAccount: null };
      const ports = market.anotherProcess({ settings: () => settings });
      await refusesAll(clientOf(ports, sale.signerKey, sale.id), sale, 'no-grant');
    });

    test('make a dataset served whose owner is not listed only where the operator stores for anybody', async () => {
      const sale = await makeSale(market, { served: false });
      await refusesAll(sale.signer, sale, 'not-served');
      await refusesAll(sale.agent, sale, 'not-served');
      await assert.rejects(payFor(sale, 1), refusedAs('not-served'));
      const settings = { ...market.ports.settings(), grants: { minPerRecordWei: 0n, openQuotaBytes: 2 ** 30 } };
      const open = market.anotherProcess({ settings: () => settings });
      await get(clientOf(open, sale.signerKey, sale.id), sale, 0);
      await get(clientOf(open, sale.agentKey, sale.id), sale, 63);
      await clientOf(open, sale.signerKey).storeVoucher(...sale.voucher(110n));
      const without = await makeSale(market, { served: false, grant: null });
      await refusesAll(clientOf(open, without.signerKey, without.id), without, 'not-served');
    });
  });

  describe('the end', () => {
    test('of an agreement is to the second', async () => {
      const sale = await makeSale(market);
      const { agreement } = (await market.ports.agreements?.readAgreement(sale.id, 'final')) ?? {};
      const endMs = 1000 * (agreement?.buyer?.endSeconds ?? 0);
      const { clock } = market.stores;
      clock.stoppedAtMs = endMs - 1;
      await get(sale.signer, sale, 0);
      clock.stoppedAtMs = endMs;
      await refusesAll(sale.signer, sale, 'ended');
    });

    test('comes at once for a consumer who quits, and is known within 15 s', async () => {
      const sale = await makeSale(market);
      const { clock } = market.stores;
      clock.stoppedAtMs = Date.now();
      await get(sale.signer, sale, 0);
      await sale.buyer.agreements.quit(sale.id);
      clock.offsetMs = 14_999;
      await get(sale.signer, sale, 0);
      clock.offsetMs = 15_000;
      await refusesAll(sale.signer, sale, 'ended');
    });

    test('comes with a closing, also where the service’s clock is behind', async () => {
      const sale = await makeSale(market);
      market.stores.clock.offsetMs = -60_000;
      await sale.buyer.agreements.quit(sale.id);
      await get(sale.signer, sale, 0);
      await sale.party.agreements.close(sale.id);
      await refusesAll(clientOf(market.anotherProcess(), sale.signerKey, sale.id), sale, 'ended');
    });

    test('comes with a breach, and not while a question has only lapsed: it may still be answered', async () => {
      const sale = await makeSale(market);
      await sale.buyer.agreements.challenge(sale.id, { block: 0, seed: 1, valueWei: 10n ** 18n });
      await market.passSeconds(WINDOW_SECONDS + 1);
      await sale.buyer.agreements.lapse(sale.id);
      await market.finalise();
      await get(sale.signer, sale, 0);
      await get(sale.agent, sale, 0);
      await market.passSeconds(WINDOW_SECONDS);
      await sale.buyer.agreements.breach(sale.id);
      market.stores.clock.offsetMs = 15_001;
      await refusesAll(sale.signer, sale, 'ended');
    });
  });

  describe('who is let in', () => {
    test('nobody without an accepted agreement, finally', async () => {
      const sale = await makeSale(market);
      const unknown = clientOf(market.ports, sale.signerKey, `0x${'77'.repeat(32)}` as AgreementId);
      await refusesAll(unknown, sale, 'no-agreement');
      const { id } = await sale.party.agreements.offer(
        { name: sale.name, kind: PLAIN },
        sale.terms,
        accountOfKey(sale.agentKey),
        SOME_KEY,
      );
      await market.finalise();
      const offered = clientOf(market.ports, sale.signerKey, id);
      await refusesAll(offered, sale, 'no-agreement');
      await sale.buyer.agreements.accept({ id, ...sale.terms }, accountOfKey(sale.signerKey), SOME_KEY);
      market.stores.clock.offsetMs = 1_001;
      await refusesAll(offered, sale, 'no-agreement');
      await market.finalise();
      market.stores.clock.offsetMs = 2_002;
      await get(offered, sale, 0);
    });

    test('strangers and other parties are not, nor the signer without naming the agreement', async () => {
      const [sale, other] = [await makeSale(market), await makeSale(market)];
      for (const stranger of [key(), other.signerKey, other.agentKey, sale.deviceKey]) {
        await refusesAll(clientOf(market.ports, stranger, sale.id), sale, 'forbidden');
      }
      await refusesAll(clientOf(market.ports, sale.signerKey), sale, 'forbidden');
      await refusesAll(clientOf(market.ports, sale.agentKey), sale, 'forbidden');
    });

    test('the owner’s agent is as long as a question is open, however late it lapses', async () => {
      const sale = await makeSale(market);
      await sale.buyer.agreements.challenge(sale.id, { block: 0, seed: 1, valueWei: 10n ** 18n });
      await market.finalise();
      // Long behind the end, the window and every margin, nobody has called `lapse`: it can be answered.
      market.stores.clock.offsetMs = 1000 * (sale.terms.durationSeconds + 86_400);
      await get(sale.agent, sale, 0);
      await refusesAll(sale.signer, sale, 'ended');
    });

    test('the owner’s agent is, without a grant and uncounted, until challenges can no longer be open', async () => {
      const sale = await makeSale(market, { grant: null, terms: { first: 0, count: 48 } });
      assert.deepEqual(servedOf(await prove(sale.agent, sale, ALL)), ALL.slice(0, 48));
      assert.deepEqual(servedOf(await hash(sale.agent, sale, ALL)), ALL.slice(0, 48));
      await get(sale.agent, sale, 47);
      await sale.agent.getSegment(sale.dataset, 0);
      await assert.rejects(get(sale.agent, sale, 48), refusedAs('forbidden'));
      await assert.rejects(sale.agent.getSegment(sale.dataset, 48), refusedAs('forbidden'));
      assert.equal(await entryOf(sale), undefined);
      const { agreement } = (await market.ports.agreements?.readAgreement(sale.id, 'final')) ?? {};
      const overMs = 1000 * ((agreement?.buyer?.endSeconds ?? 0) + WINDOW_SECONDS) + 3_600_000;
      market.stores.clock.stoppedAtMs = overMs - 1;
      await get(sale.agent, sale, 0);
      market.stores.clock.stoppedAtMs = overMs;
      await refusesAll(sale.agent, sale, 'ended');
    });

    test('a voucher of another agreement, or signed by somebody else, pays for nothing', async () => {
      const [sale, other] = [await makeSale(market, { terms: { samples: 0 } }), await makeSale(market)];
      await assert.rejects(sale.signer.storeVoucher(...sale.voucher(500n, other.id)), refusedAs('bad-request'));
      await assert.rejects(
        sale.signer.storeVoucher(...sale.voucher(500n, sale.id, other.signerKey)),
        refusedAs('bad-request'),
      );
      await payFor(other, 64);
      await assert.rejects(get(sale.signer, sale, 0), refusedAs('not-paid'));
    });

    test('nobody is while the chain cannot be read', async () => {
      const sale = await makeSale(market);
      const { chainId, ocasc, asc } = market.contracts;
      const nowhere = { rpcUrl: 'http://127.0.0.1:1', chainId, timeoutMs: 500 };
      for (const change of [
        { agreements: createOcascLedger({ ...nowhere, ocasc }) },
        { grants: createAscLedger({ ...nowhere, asc }) },
      ]) {
        const client = clientOf(market.anotherProcess(change), sale.signerKey, sale.id);
        await assert.rejects(hash(client, sale, [0]), StoreUnavailableError);
        await assert.rejects(prove(client, sale, [0]), StoreUnavailableError);
        await assert.rejects(get(client, sale, 0), StoreUnavailableError);
        await assert.rejects(client.getSegment(sale.dataset, 0), StoreUnavailableError);
      }
      assert.equal(await entryOf(sale), undefined);
    });

    test('a request counts once, for the agreement that was signed and no other', async () => {
      const [sale, other] = [await makeSale(market), await makeSale(market)];
      const wallet = new Wallet(to0x(sale.signerKey));
      const signer = createRequestSigner((message) => wallet.signMessage(message), {
        ...{ address: wallet.address, chainId: market.contracts.chainId },
      });
      const path = `/v1/datasets/${sale.dataset}/blocks/0`;
      const url = `https://api.plumbline.example${path}?agreement=${sale.id}`;
      const handler = await handlerOf<HttpAnswer>('get-block', market.ports);
      const signed = async () => signer.signRequest({ method: 'GET', url }, { nowMs: Date.now() });
      const reasonOf = (answer: HttpAnswer) => [answer.statusCode, JSON.parse(answer.body).reason];
      const event = gatewayEventFromRequest(await signed());
      assert.equal((await handler(event, {})).statusCode, 200);
      assert.deepEqual(reasonOf(await handler(event, {})), [401, 'replayed']);
      const swapped = gatewayEventFromRequest({ ...(await signed()), url: url.replace(sale.id, other.id) });
      assert.equal((await handler(swapped, {})).statusCode, 401);
      const forged = await signed();
      const { 'signature-input': input } = forged.headers as Record<string, string>;
      const claimed = (input as string).replaceAll(wallet.address.toLowerCase(), accountOfKey(other.signerKey));
      assert.notEqual(claimed, input);
      const asAnother = { ...forged, headers: { ...forged.headers, 'signature-input': claimed } };
      assert.equal((await handler(gatewayEventFromRequest(asAnother), {})).statusCode, 401);
    });

    test('a request that names its agreement wrongly is the caller’s fault', async () => {
      const sale = await makeSale(market);
      const wrong = clientOf(market.ports, sale.signerKey, sale.id.toUpperCase().replace('0X', '0x') as AgreementId);
      await refusesAll(wrong, sale, 'bad-request');
    });
  });
});
