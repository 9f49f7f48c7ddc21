import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { askStorage, type ConsumerScene, IDLE_AGENT, isAnswerPath, notPaid } from './consumer-scene.ts';
import { sendAgain } from './lies.ts';
import { startLyingProxy } from './lying-proxy.ts';
import { accountFrom, newKey } from './recorded-stack.ts';
import { audit, buy, openChannel, settle } from './sale-on-stack.ts';

/** Whom the storage gives nothing, or nothing more: the same for Protocols III and IV. */
export function withstandParties(scene: () => ConsumerScene): void {
  describe('who has no right', () => {
    it('a replayed request: the very same signed bytes again are answered with nothing', async () => {
      const { protocol, stack, proxy, bought } = scene();
      proxy.reset();
      const { service } = openChannel(stack, bought, { proxy });
      assert.deepEqual(new Set(await askStorage(protocol, service, bought.terms.dataset, [0])), new Set(['given']));
      const asked = proxy.seen.find(({ path }) => isAnswerPath(path))!;
      assert.equal(asked.answer?.status, 200);
      const again = (path?: string) => sendAgain(proxy, stack.apiUrl, asked, path);
      const replayed = await again();
      assert.equal(replayed.status, 401);
      assert.match(Buffer.from(replayed.body).toString(), /problems\/signature/);
      const elsewhere = await again(asked.path.replace('agreement', 'Agreement'));
      assert.ok([400, 401].includes(elsewhere.status), `${elsewhere.status}`);
    });

    it('a forged identity: a stranger, the consumer’s own account for the signer, and who signs with another key', async () => {
      const { protocol, stack, bought } = scene();
      const { dataset } = bought.terms;
      const strangers = [newKey(), bought.consumerKey];
      for (const by of strangers) {
        const { service } = openChannel(stack, bought, { by });
        assert.deepEqual(await askStorage(protocol, service, dataset, [0]), ['/problems/forbidden']);
      }
      const account = { ...accountFrom(newKey()), address: accountOfKey(bought.signerKey) };
      const { channel } = openChannel(stack, bought, { by: bought.consumerKey });
      await assert.rejects(channel.send({ blocks: [0], voucher: null }), { type: '/problems/forbidden' });
      const impostor = stack.clientOf(newKey(), { agreement: bought.id, account });
      assert.deepEqual(await askStorage(protocol, impostor, dataset, [0]), ['/problems/signature']);
    });

    it('no agreement: none named, none known, none accepted, one of another dataset', async () => {
      const { protocol, stack, seller, other, bought } = scene();
      const { dataset } = bought.terms;
      const under = (agreement?: AgreementId) =>
        askStorage(
          protocol,
          stack.clientOf(bought.signerKey, agreement === undefined ? {} : { agreement }),
          dataset,
          [0],
        );
      assert.deepEqual(await under(), ['/problems/forbidden']);
      assert.deepEqual(await under(`0x${'77'.repeat(32)}` as AgreementId), ['/problems/no-agreement']);
      assert.deepEqual(await under((await seller.offer({}, IDLE_AGENT)).id), ['/problems/no-agreement']);
      const elsewhere = await buy(stack, await other.offer());
      const theirs = openChannel(stack, elsewhere).service;
      assert.deepEqual(await askStorage(protocol, theirs, dataset, [0]), ['/problems/forbidden']);
      assert.deepEqual(await askStorage(protocol, theirs, elsewhere.terms.dataset, [0]), ['given']);
    });

    it('an expired agreement: nothing is given from its end on, and the audit says so', async () => {
      const { protocol, stack, seller } = scene();
      const bought = await buy(stack, await seller.offer({ durationSeconds: 600 }, IDLE_AGENT));
      let aheadMs = 0;
      const nowMs = () => Date.now() + aheadMs;
      const apiUrl = await stack.anotherHost({ nowMs });
      const { service } = openChannel(stack, bought, { apiUrl, nowMs });
      const ask = () => askStorage(protocol, service, bought.terms.dataset, [0]);
      assert.deepEqual(await ask(), ['given']);
      aheadMs = 1000 * bought.purchase.buyer.endSeconds - Date.now();
      assert.deepEqual(await ask(), ['/problems/ended']);
      const { report, verdicts } = await audit(stack, bought, { protocol, apiUrl, nowMs });
      assert.deepEqual([report.counts.refused, report.ok, report.assurance.confidence], [12, false, null]);
      assert.match(verdicts[0]?.reason ?? '', /end is/);
    });

    it('revoked between two requests: what was given is refused 15 s later at the latest', async () => {
      const { protocol, stack, other } = scene();
      const bought = await buy(stack, await other.offer());
      let aheadMs = 0;
      const nowMs = () => Date.now() + aheadMs;
      const apiUrl = await stack.anotherHost({ nowMs });
      const { service } = openChannel(stack, bought, { apiUrl, nowMs });
      const ask = () => askStorage(protocol, service, bought.terms.dataset, [0]);
      assert.deepEqual(await ask(), ['given']);
      await other.party.grants.revoke(other.of.grant);
      aheadMs = 15_000;
      assert.deepEqual(await ask(), ['/problems/no-grant']);
    });

    it('a quota used up: no further block is given, repeats are, and a voucher opens what it pays for', async () => {
      const { protocol, stack, seller } = scene();
      const bought = await buy(stack, await seller.offer({ samples: 2 }, IDLE_AGENT));
      const { service } = openChannel(stack, bought);
      const ask = (blocks: number[]) => askStorage(protocol, service, bought.terms.dataset, blocks);
      assert.deepEqual(await ask([5, 7]), ['given', 'given']);
      assert.deepEqual(await ask([5, 0, 7, 11]), ['given', notPaid(protocol), 'given', notPaid(protocol)]);
      const { price, fee } = bought.terms;
      const perBlock = (price - fee) / 12n;
      assert.equal(await service.storeVoucher(...bought.voucher(fee + perBlock)), fee + perBlock);
      assert.deepEqual(await ask([0, 1, 5]), ['given', notPaid(protocol), 'given']);
    });

    it('a voucher of another agreement, or signed by the consumer’s account for the signer: neither storage nor owner takes it', async () => {
      const { protocol, stack, seller } = scene();
      const [bought, another] = [
        await buy(stack, await seller.offer({ samples: 1 })),
        await buy(stack, await seller.offer({ samples: 1 }, IDLE_AGENT)),
      ];
      const { service, channel } = openChannel(stack, bought);
      const { price } = bought.terms;
      const foreign = [bought.voucher(price, another.id), bought.voucher(price, bought.id, bought.consumerKey)];
      for (const [voucher, signature] of foreign) {
        await assert.rejects(service.storeVoucher(voucher, signature), { name: 'RequestRefusedError' });
        await channel.send({ blocks: [0, 3], voucher: { due: price, signature } });
        const { payloads, refusals } = await channel.receive([0, 3]);
        // Whatever it says: one sample, and no more.
        assert.deepEqual(
          payloads.flatMap(({ blocks }) => blocks.map(({ index }) => index)),
          [0],
        );
        assert.match(refusals[0]?.reason ?? '', /voucher is signed by/);
      }
      assert.ok(!seller.events.some((event) => event.event === 'voucher' && event.agreement === bought.id));
      assert.deepEqual(await askStorage(protocol, service, bought.terms.dataset, [0, 3]), ['given', notPaid(protocol)]);
      await settle(bought);
    });

    it('a chain that cannot be read: nobody is let in, and whoever was stays in for 15 s', async () => {
      const { protocol, stack, bought } = scene();
      const rpc = await startLyingProxy(stack.chain.rpcUrl);
      stack.ending(() => rpc.close());
      let aheadMs = 0;
      const nowMs = () => Date.now() + aheadMs;
      const apiUrl = await stack.anotherHost({ rpcUrl: rpc.url, nowMs });
      const { service } = openChannel(stack, bought, { apiUrl, nowMs });
      const ask = () => askStorage(protocol, service, bought.terms.dataset, [0]);
      rpc.rule = () => 'cut';
      await assert.rejects(ask(), StoreUnavailableError);
      rpc.rule = () => 'pass';
      assert.deepEqual(await ask(), ['given']);
      rpc.rule = () => 'cut';
      assert.deepEqual(await ask(), ['given'], 'what was read is believed for a while');
      for (const fate of ['cut', 'hang', () => ({ status: 500, headers: {}, body: new Uint8Array() })] as const) {
        rpc.rule = () => fate;
        aheadMs += 15_000;
        await assert.rejects(ask(), StoreUnavailableError);
      }
      const { report } = await audit(stack, bought, { protocol, apiUrl, nowMs, sample: 2 });
      assert.deepEqual([report.counts.unavailable, report.assurance.confidence], [2, null]);
    });
  });
}
