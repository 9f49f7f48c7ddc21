import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { createSentTransactionFiles } from '../../adapters/ethereum/sent-transaction-files.ts';
import { PreparedAnswers } from '../../client/sale/prepared-answers.ts';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import type { SaleParts } from '../../client/sale/sale-parts.ts';
import { StateError, StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { clientOf, type Market, startMarket } from '../functions/start-sale.ts';
import { makeOwner, type Owner, sell } from './sale-fixture.ts';

/* Chains that stand still, nodes that forget, gas that is dear: what the agent does with an open question then. */
describe('the agent on a chain that does not go on as it did', { timeout: 300_000 }, () => {
  let market: Market;
  let owner: Owner;
  before(async () => {
    market = await startMarket();
    owner = await makeOwner(market);
  });
  after(async () => {
    await owner?.close();
    await market?.stop();
  });
  const newest = async (id: AgreementId) => {
    const { agreement } = await (market.ports.agreements as SaleParts['market']).readAgreement(id, 'latest');
    return agreement ?? assert.fail('no agreement');
  };
  const names = (said: readonly SaleEvent[], id: AgreementId) =>
    said.filter(({ agreement }) => agreement === id).map(({ event }) => event);
  const challenge = (sale: Awaited<ReturnType<typeof sell>>, block: number) =>
    sale.buyer.challenge(sale.id, { block, seed: 7, valueWei: 10n ** 16n });
  const withoutProofs = (): Pick<SaleParts, 'serviceFor'> => ({
    serviceFor: (agreement) => {
      const gone = async () => {
        throw new StoreUnavailableError('There is no storage any more.');
      };
      return { ...clientOf(market.ports, owner.agentKey, agreement), proveChunks: gone, getBlock: gone };
    },
  });

  it('waits with a ready answer for a cheaper block, until half the window is over, and no longer', async () => {
    const setBaseFee = async (wei: bigint) => {
      await market.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${wei.toString(16)}`]);
      await market.rpc.call('anvil_mine', ['0x1']);
    };
    const cheapWei = 10n ** 9n;
    await setBaseFee(cheapWei);
    const sale = await sell(market, owner);
    await owner.serveOnce();
    await challenge(sale, 4);
    await setBaseFee(1000n * cheapWei);
    const prepared = new PreparedAnswers();
    assert.ok(names(await owner.serveOnce({ prepared }), sale.id).includes('waiting-for-gas'));
    assert.equal((await newest(sale.id)).state, 'challenged');
    // The answer is at hand: the storage is not asked again.
    await setBaseFee(cheapWei);
    const said = await owner.serveOnce({ prepared, ...withoutProofs() });
    assert.ok(names(said, sale.id).includes('answered'), JSON.stringify(said));
    // It stays dear: half a window is left when the answer goes out.
    await challenge(sale, 5);
    await setBaseFee(1000n * cheapWei);
    assert.ok(names(await owner.serveOnce(), sale.id).includes('waiting-for-gas'));
    await market.passSeconds(30);
    await setBaseFee(1000n * cheapWei);
    const { question } = await newest(sale.id);
    assert.ok(question !== null);
    assert.ok(names(await owner.serveOnce(), sale.id).includes('answered'));
    await setBaseFee(cheapWei);
    assert.equal((await newest(sale.id)).state, 'active');
  });

  for (const fate of ['forgets', 'keeps'] as const) {
    it(`a chain that stands still for two windows, and a node that ${fate} what it was sent: no bond is lost`, async () => {
      const sale = await sell(market, owner, { windowSeconds: 40 });
      await owner.serveOnce();
      await challenge(sale, 2);
      const { rpcUrl, chainId, ocasc } = market.contracts;
      /** The agent in a new process, as far as it can be told: what was sent is in its files. */
      const restarted = (waitMs: number): Partial<SaleParts> => ({
        party: createOcascParty({
          ...{ rpcUrl, chainId, ocasc, signer: createKeySigner(owner.agentKey), waitMs },
          sent: createSentTransactionFiles(join(owner.folder, 'sent'), chainId, owner.agent),
        }),
      });
      await market.rpc.call('evm_setAutomine', [false]);
      const stuck = await owner.serveOnce(restarted(500));
      assert.ok(names(stuck, sale.id).includes('unanswered'), 'no block takes it');
      if (fate === 'forgets') await market.rpc.call('anvil_dropAllTransactions', []);
      await market.rpc.call('evm_increaseTime', [80]);
      // The consumer is there when the chain is: in its first block, and before all others, the question lapses.
      await market.rpc.call('anvil_impersonateAccount', [sale.consumer.account]);
      const [maxFeePerGas, maxPriorityFeePerGas] = [`0x${(10n ** 13n).toString(16)}`, `0x${(10n ** 12n).toString(16)}`];
      const lapse = {
        from: sale.consumer.account,
        to: ocasc,
        data: ocascInterface.encodeFunctionData('lapse', [sale.id]),
      };
      await market.rpc.call('eth_sendTransaction', [{ ...lapse, gas: '0x30d40', maxFeePerGas, maxPriorityFeePerGas }]);
      await market.rpc.call('anvil_mine', ['0x1']);
      await market.rpc.call('evm_setAutomine', [true]);
      if (fate === 'forgets') assert.equal((await newest(sale.id)).state, 'lapsed');
      const said = await owner.serveOnce(restarted(20_000));
      assert.equal((await newest(sale.id)).state, 'active', JSON.stringify(said));
      if (fate === 'forgets') assert.ok(names(said, sale.id).includes('answered'));
      await assert.rejects(sale.buyer.breach(sale.id), StateError);
    });
  }
});
