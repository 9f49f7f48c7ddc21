import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SaleParts } from '../../client/sale/sale-parts.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { rememberGrant } from '../../functions/state/grant-entry.ts';
import { makeOwner, type Owner, sell } from '../client/sale-fixture.ts';
import { clientOf, type Market, startMarket } from '../functions/start-sale.ts';
import { key } from '../functions/start-service.ts';

describe('a consumer who shows vouchers to the storage alone', { timeout: 120_000 }, () => {
  let market: Market;
  let owner: Owner;
  before(async () => {
    market = await startMarket();
    owner = await makeOwner(market);
    const { css, stores } = market;
    const { grant } = await owner.party.grants.authorise(owner, {
      ...{
        dataset: owner.dataset,
        css: css.account,
        perRecordWei: 0n,
        first: 0,
        count: 12,
        digests: true,
        blocks: true,
      },
      ...{
        maxBlocks: 4096,
        windowSeconds: 60,
        intervalSeconds: 0,
        untilSeconds: Math.floor(Date.now() / 1000) + 86_400,
      },
    });
    await market.as(css).grants.accept(grant);
    await rememberGrant(stores.table, owner.dataset, grant);
    await market.finalise();
  });
  after(async () => {
    await owner?.close();
    await market?.stop();
  });
  const newest = async (id: AgreementId) => {
    const { agreement } = await (market.ports.agreements as SaleParts['market']).readAgreement(id, 'latest');
    assert.ok(agreement);
    return agreement;
  };
  const show = (sale: Awaited<ReturnType<typeof sell>>, due: bigint) =>
    sale.service.storeVoucher({ agreement: sale.id, due }, sale.voucher(due).signature);

  it('pays for every block that the storage gave: the owner reads the voucher there and claims it', async () => {
    const sale = await sell(market, owner, { samples: 0 });
    await show(sale, 1210n);
    // Of a plain dataset, this is all there is to be had.
    for (let index = 0; index < 12; index++) assert.ok('block' in (await sale.service.getBlock(owner.dataset, index)));
    await owner.serveOnce();
    await sale.buyer.quit(sale.id);
    const said = await owner.serveOnce();
    assert.ok(
      said.some((one) => one.event === 'claimed' && one.agreement === sale.id),
      JSON.stringify(said),
    );
    assert.equal((await newest(sale.id)).due, 1210n);
  });

  it('pays while challenged, also when the mailbox is down', async () => {
    const sale = await sell(market, owner, { samples: 0 });
    await show(sale, 610n);
    await sale.buyer.challenge(sale.id, { block: 2, seed: 1, valueWei: 10n ** 16n });
    const down = async () => {
      throw new StoreUnavailableError('The mailbox is down.');
    };
    const serviceFor = (id: AgreementId) => ({
      ...clientOf(market.ports, owner.agentKey, id),
      ...{ listMessages: down, postMessage: down },
    });
    await owner.serveOnce({ serviceFor });
    assert.equal((await newest(sale.id)).due, 610n);
  });

  it('is believed by its signature alone: what the storage makes up is said and never claimed', async () => {
    const sale = await sell(market, owner, { samples: 0 });
    const { domain } = market.ports.agreements as SaleParts['market'];
    for (const forged of [
      { due: 900n, signature: signVoucher(domain, { agreement: sale.id, due: 900n }, key()) },
      { due: 900n, signature: sale.voucher(800n).signature },
      { due: 5000n, signature: sale.voucher(5000n).signature },
      { due: 900n, signature: new Uint8Array(65) },
    ]) {
      const serviceFor = (id: AgreementId) => ({
        ...clientOf(market.ports, owner.agentKey, id),
        getVoucher: async () => forged,
      });
      const said = await owner.serveOnce({ serviceFor });
      assert.ok(!said.some((one) => one.event === 'voucher' && one.agreement === sale.id));
    }
    assert.equal((await newest(sale.id)).due, 10n);
  });

  it('is read by the two parties and nobody else; nothing is there before the first', async () => {
    const [sale, other] = [await sell(market, owner), await sell(market, owner)];
    const agent = clientOf(market.ports, owner.agentKey, sale.id);
    assert.equal(await agent.getVoucher(sale.id), null);
    await show(sale, 610n);
    assert.deepEqual(await agent.getVoucher(sale.id), sale.voucher(610n));
    assert.deepEqual(await sale.service.getVoucher(sale.id), sale.voucher(610n));
    await assert.rejects(other.service.getVoucher(sale.id), RequestRefusedError);
    await assert.rejects(clientOf(market.ports, key(), sale.id).getVoucher(sale.id), RequestRefusedError);
  });
});
