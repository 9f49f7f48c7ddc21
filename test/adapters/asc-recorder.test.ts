import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { ArgumentError, LedgerUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { GrantRecorder, RelayedUpdate } from '../../core/ports/grant-recorder.ts';
import { CLOSED, openGrant, PRICE_WEI, partyOf, propose, readGrant } from '../functions/grant-fixture.ts';
import { createLogFixture, type LogFixture, seal, type TestService, updateOf } from '../functions/log-fixture.ts';

describe('relay and accept through a node', () => {
  let fixture: LogFixture;
  let service: TestService;
  let css: GrantRecorder;
  before(async () => {
    fixture = await createLogFixture();
    service = await fixture.service({}, 10n ** 18n, CLOSED);
    css = service.ports.grantRecorder!;
  });
  after(() => fixture?.stop());

  test('says of each update whether it is recorded and paid for, and why not, in the order asked', async () => {
    const paying = fixture.openDataset();
    const other = fixture.openDataset();
    const poor = fixture.openDataset();
    const fresh = fixture.openDataset();
    const grant = await openGrant(fixture, service, paying, 2n * PRICE_WEI);
    const poorGrant = await openGrant(fixture, service, poor, PRICE_WEI - 1n);
    const proposed = await propose(fixture, service, fresh);
    const update = updateOf([seal(paying), seal(paying)]);
    const charters = [paying, other, poor, fresh].map(({ first }) => first);
    const simulate = (updates: readonly RelayedUpdate[]) => css.simulateRelay({ charters, updates });
    const forged = {
      ...update,
      signature: Uint8Array.from(update.signature, (byte, i) => (i === 9 ? byte ^ 1 : byte)),
    };
    const asked = [
      { grant, update: forged },
      { grant, update },
      { grant, update },
      { grant, update: updateOf([seal(other)]) },
      { grant: poorGrant, update: updateOf([seal(poor)]) },
      { grant: proposed, update: updateOf([seal(fresh)]) },
    ];
    // The forged one holds fuel back from those behind it in the call until DISSC has refused it.
    assert.deepEqual((await simulate(asked)).reasons, [
      'refused',
      null,
      'too-little-fuel',
      'wrong-dataset',
      'too-little-fuel',
      'wrong-state',
    ]);
    const { reasons, gas, maxFeePerGasWei } = await simulate(asked.slice(1));
    assert.deepEqual(reasons, [null, 'refused', 'wrong-dataset', 'too-little-fuel', 'wrong-state']);
    assert.ok(gas > 100_000n && gas < 1_000_000n, String(gas));
    assert.ok(maxFeePerGasWei > 0n);
    await partyOf(fixture, fixture.owner).revoke(grant);
    await fixture.rpc.call('evm_increaseTime', [3700]);
    await fixture.mine();
    assert.deepEqual((await simulate(asked.slice(1, 2))).reasons, ['over']);
  });

  test('sends what it has simulated, within that gas, and replaces it at a higher fee', async () => {
    const dataset = fixture.openDataset();
    const grant = await openGrant(fixture, service, dataset, PRICE_WEI);
    const relayed = { charters: [dataset.first], updates: [{ grant, update: updateOf([seal(dataset)]) }] };
    const { gas } = await css.simulateRelay(relayed);
    const { latest: nonce } = await service.recorder.nonces();
    const first = await css.prepareRelay(relayed, { nonce, gas });
    const second = await css.prepareRelay(relayed, { nonce, gas, replaces: first });
    assert.ok(second.maxFeePerGasWei > first.maxFeePerGasWei);
    await service.recorder.broadcast(first);
    await service.recorder.broadcast(second);
    await fixture.mine();
    assert.equal((await service.recorder.receipt(second.hash))?.ok, true);
    await fixture.assertRecorded(dataset);
    assert.equal((await readGrant(fixture, grant)).fuelWei, 0n);
  });

  test('tells a proposal that it can accept from one that it cannot', async () => {
    const dataset = fixture.openDataset();
    const grant = await propose(fixture, service, dataset);
    const stranger = createAscRecorder({ ...fixture.chain, signer: await fixture.newAccount() });
    assert.equal(await stranger.simulateAccept(grant), null);
    const { gas } = (await css.simulateAccept(grant))!;
    const { latest: nonce } = await service.recorder.nonces();
    await service.recorder.broadcast(await css.prepareAccept(grant, { nonce, gas }));
    await fixture.mine();
    assert.equal((await readGrant(fixture, grant)).state, 'accepted');
    assert.equal(await css.simulateAccept(grant), null);
  });

  test('a charter that its owner has not signed is refused by name, and one that names an anchorer, too', async () => {
    const dataset = fixture.openDataset();
    const grant = await openGrant(fixture, service, dataset, 100n * PRICE_WEI);
    const updates = [{ grant, update: updateOf([seal(dataset)]) }];
    const forged = { ...dataset.first, from: 7 };
    const reasonIs = (reason: string) => (error: unknown) =>
      error instanceof ArgumentError && error.details.reason === reason;
    await assert.rejects(css.simulateRelay({ charters: [forged], updates }), reasonIs('DISSC_WrongCharterSignature'));
    const inRounds = fixture.openDataset({ anchorer: service.relayer.account });
    await assert.rejects(css.simulateRelay({ charters: [inRounds.first], updates }), reasonIs('DISSC_NotOwner'));
    assert.deepEqual((await css.simulateRelay({ charters: [dataset.first], updates })).reasons, [null]);
  });

  test('asks for less at a time when the chain does not take as much gas', async () => {
    const dataset = fixture.openDataset();
    const grant = await openGrant(fixture, service, dataset, 100n * PRICE_WEI);
    const updates = [{ grant, update: updateOf([seal(dataset)]) }];
    // A new charter takes more than 29,000 gas, whoever sends it.
    const many = Array.from({ length: 1000 }, () => fixture.openDataset().first);
    await assert.rejects(css.simulateRelay({ charters: [dataset.first, ...many], updates }), (error: unknown) => {
      assert.ok(error instanceof ArgumentError, String(error));
      assert.match(error.message, /1001 charters and 1 updates through ASC at once.*Send fewer at a time/);
      assert.equal(error.details.reason, undefined);
      return true;
    });
    const { reasons } = await css.simulateRelay({ charters: [dataset.first, ...many.slice(0, 100)], updates });
    assert.deepEqual(reasons, [null]);
  });

  test('a node that is away, and an address without ASC, are errors and no reasons', async () => {
    const dataset = fixture.openDataset();
    const grant = await openGrant(fixture, service, dataset, PRICE_WEI);
    const relayed = { charters: [dataset.first], updates: [{ grant, update: updateOf([seal(dataset)]) }] };
    const { chain } = fixture;
    const away = createAscRecorder({ ...chain, rpcUrl: 'http://127.0.0.1:1', signer: service.relayer });
    await assert.rejects(away.simulateRelay(relayed), LedgerUnavailableError);
    await assert.rejects(away.simulateAccept(grant), LedgerUnavailableError);
    const nowhere = createAscRecorder({ ...chain, asc: `0x${'99'.repeat(20)}` as Address, signer: service.relayer });
    await assert.rejects(nowhere.simulateRelay(relayed), LedgerUnavailableError);
  });
});
