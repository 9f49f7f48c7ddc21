import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type GethNetwork, startGethNetwork } from '../../dev/real/geth/start-network.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { ANSWER_GAS, openMarket, randomEncryptionKey, randomKey } from './ocasc-fixture.ts';
import { refusal as refusalOf } from './refusal.ts';

const WINDOW_SECONDS = 5;

describe('an agreement on four geth nodes', { timeout: 180_000 }, () => {
  let network: GethNetwork;
  let market: Awaited<ReturnType<typeof openMarket>>;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-geth-'));
    network = await startGethNetwork({ geth: findProgram('geth'), folder });
    const { rpcUrl, chainId, slots } = network;
    const newKey = async () => {
      const key = randomKey();
      await slots.credit(accountOfKey(key), 10n ** 20n);
      return key;
    };
    const owner = await newKey();
    const keys = [owner, await newKey()];
    slots.run(500);
    const take = async () => keys.shift() ?? assert.fail('no funds left');
    market = await openMarket({ rpcUrl, chainId, newKey: take, minWindowSeconds: WINDOW_SECONDS });
  });
  after(async () => {
    await network?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const refusal = (reason: string) => refusalOf('OCASC', reason);

  test('offered, accepted, challenged at the base fee as it is, answered, lapsed and breached', async () => {
    const { owner, ledger, rpc, terms, answer } = market;
    const consumer = market.party(await market.newKey());
    const { id, transaction } = await owner.offer(market.named, terms, owner.account, randomEncryptionKey());
    const found = await ledger.findOffers({ dataset: terms.dataset }, 0, transaction.blockNumber);
    assert.deepEqual(
      found.map((one) => one.id),
      [id],
    );
    await consumer.accept({ id, ...terms }, consumer.account, randomEncryptionKey());

    const stake = await ledger.readChallengeStakeWei(id);
    assert.ok(stake >= 2n * BigInt(ANSWER_GAS), `${stake}`);
    const asked = { to: market.ocasc, data: ocascInterface.encodeFunctionData('challengeStake', [id]) };
    // Why the contract itself is not asked: in a call that pays no gas, geth takes the base fee for zero
    assert.equal(BigInt(String(await rpc.call('eth_call', [asked, 'latest']))), terms.stakeWei);
    const challenge = (valueWei: bigint) => consumer.challenge(id, { block: terms.first + 3, seed: 9, valueWei });
    await assert.rejects(challenge(terms.stakeWei), refusal('OCASC_StakeTooLow'));
    await challenge(2n * stake);
    await assert.rejects(owner.respond(id, answer(terms.first + 3, 8)), refusal('OCASC_WrongOpening'));
    await owner.respond(id, answer(terms.first + 3, 9));
    await assert.rejects(owner.respond(id, answer(terms.first + 3, 9)), refusal('OCASC_WrongState'));

    await challenge(2n * (await ledger.readChallengeStakeWei(id)));
    await assert.rejects(consumer.lapse(id), refusal('OCASC_TooEarly'));
    const read = async () => (await ledger.readAgreement(id, 'latest')).agreement;
    /** No block is made until then: the newest one is older than the limit when the call is tried. */
    const afterLimit = async (limitSeconds: number, act: () => Promise<unknown>) => {
      await network.slots.pause();
      await sleep(Math.max(0, (limitSeconds + 2) * 1000 - Date.now()));
      const acting = act();
      acting.catch(() => {});
      await sleep(500);
      network.slots.run(500);
      await acting;
    };
    await afterLimit((await read())?.question?.deadlineSeconds ?? 0, () => consumer.lapse(id));
    assert.equal((await read())?.state, 'lapsed');
    await afterLimit((await read())?.question?.graceEndSeconds ?? 0, () => consumer.breach(id));
    assert.equal((await read())?.state, 'breached');
  });
});
