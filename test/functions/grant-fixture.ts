import assert from 'node:assert/strict';
import type { AccountSigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { requireDatasetName } from '../../core/charter/dataset-name.ts';
import type { Grant, GrantId, GrantParty } from '../../core/ports/grants.ts';
import type { GrantPolicy } from '../../functions/ports.ts';
import type { LogFixture, TestDataset, TestService } from './log-fixture.ts';

export const PRICE_WEI = 1_000_000_007n;
/** Accepts the grants of the owners it serves anyway, at any price. */
export const CLOSED: GrantPolicy = { minPerRecordWei: 0n, openQuotaBytes: null };
const DAY_SECONDS = 24 * 3600;

export interface GrantOptions {
  readonly perRecordWei?: bigint;
  readonly windowSeconds?: number;
  readonly lifeSeconds?: number;
  /** Seconds in which one record is paid for. */
  readonly intervalSeconds?: number;
}

/** An account on ASC; its calls are mined at once, and whatever else is waiting with them. */
export function partyOf(fixture: LogFixture, signer: AccountSigner): GrantParty {
  const party = createAscParty({ ...fixture.chain, signer });
  const mined =
    <P extends unknown[], R>(call: (...parameters: P) => Promise<R>) =>
    async (...parameters: P): Promise<R> => {
      await fixture.automine(true);
      try {
        return await call(...parameters);
      } finally {
        await fixture.automine(false);
      }
    };
  return {
    account: party.account,
    ...{ authorise: mined(party.authorise), drop: mined(party.drop), accept: mined(party.accept) },
    ...{ fund: mined(party.fund), revoke: mined(party.revoke), end: mined(party.end), withdraw: mined(party.withdraw) },
  };
}

/** A grant to the service, proposed by the dataset's owner. */
export async function propose(
  fixture: LogFixture,
  service: TestService,
  dataset: TestDataset,
  options: GrantOptions = {},
): Promise<GrantId> {
  const { perRecordWei = PRICE_WEI, windowSeconds = 3600, lifeSeconds = DAY_SECONDS, intervalSeconds = 0 } = options;
  const { point } = await fixture.ledger.readHeads([], 'latest');
  const { name, kind } = dataset.charter;
  const { grant } = await partyOf(fixture, dataset.owner).authorise(
    { name: requireDatasetName(name), kind },
    {
      ...{ dataset: dataset.id, css: service.relayer.account, perRecordWei, first: 0, count: 1000 },
      ...{ digests: true, blocks: true, maxBlocks: 10, windowSeconds, intervalSeconds },
      untilSeconds: Math.floor(point.timestampMs / 1000) + lifeSeconds,
    },
  );
  return grant;
}

/** A grant that the service has accepted, finally, with that much fuel. */
export async function openGrant(
  fixture: LogFixture,
  service: TestService,
  dataset: TestDataset,
  fuelWei: bigint,
  options: GrantOptions = {},
): Promise<GrantId> {
  const grant = await propose(fixture, service, dataset, options);
  await fixture.mine(3);
  await service.anchor();
  await fixture.mine(3);
  if (fuelWei > 0n) await partyOf(fixture, dataset.owner).fund(grant, fuelWei);
  // The service knows that it is accepted, and closes that transaction.
  await service.anchor();
  return grant;
}

export async function readGrant(fixture: LogFixture, grant: GrantId): Promise<Grant> {
  const [read] = (await fixture.grants.readGrants([grant], 'latest')).grants;
  assert.ok(read);
  return read;
}

/** Every wei: what the service has earned, what is left of the fuel, and that nothing else is in between. */
export async function assertPaid(
  fixture: LogFixture,
  service: TestService,
  grant: GrantId,
  { fundedWei, records, perRecordWei = PRICE_WEI }: { fundedWei: bigint; records: number; perRecordWei?: bigint },
): Promise<void> {
  const paidWei = BigInt(records) * perRecordWei;
  const { fuelWei } = await readGrant(fixture, grant);
  assert.equal(fuelWei, fundedWei - paidWei, 'fuel left');
  assert.equal(await fixture.grants.readCreditWei(service.relayer.account, 'latest'), paidWei, 'earned by the CSS');
}
