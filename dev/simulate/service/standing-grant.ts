import type { Address, DatasetId } from '../../../core/ids.ts';
import type { GrantRecorder } from '../../../core/ports/grant-recorder.ts';
import type { Grant, GrantId, Grants } from '../../../core/ports/grants.ts';
import type { Ledger } from '../../../core/ports/ledger.ts';

const ID = `0x${'a5'.repeat(32)}` as GrantId;
const ASC = `0x${'a5'.repeat(20)}` as Address;
const NEVER_SECONDS = 4_000_000_000;

/** ASC with one grant, accepted from the beginning, which shows consumers all of a dataset and pays for nothing. */
export function createStandingGrant(
  ledger: Ledger,
  { owner, css, dataset }: { readonly owner: Address; readonly css: Address; readonly dataset: DatasetId },
): { readonly grants: Grants; readonly grantRecorder: GrantRecorder } {
  const grant: Grant = {
    ...{ id: ID, state: 'accepted', endSeconds: NEVER_SECONDS, revoked: false, fuelWei: 0n, owner, paidAtSeconds: 0 },
    terms: {
      ...{ dataset, css, perRecordWei: 1n, first: 0, count: 2 ** 32 - 1, digests: true, blocks: true },
      ...{ maxBlocks: 2 ** 32 - 1, windowSeconds: 1, intervalSeconds: 0, untilSeconds: NEVER_SECONDS },
    },
  };
  const { terms } = grant;
  const grants: Grants = {
    domain: { chainId: ledger.domain.chainId, asc: ASC },
    async readGrants(ids, anchor) {
      const { point } = await ledger.readHeads([], anchor);
      return { point, grants: ids.map((id) => (id === ID ? grant : null)) };
    },
    findProposed: async (_, fromBlock) => (fromBlock === 0 ? [{ id: ID, owner, terms, blockNumber: 0 }] : []),
    readCreditWei: async () => 0n,
  };
  const notModelled = async (): Promise<never> => {
    throw new Error('Nothing is accepted or paid for through ASC here.');
  };
  const grantRecorder: GrantRecorder = {
    ...{ account: css, simulateRelay: notModelled, prepareRelay: notModelled },
    ...{ simulateAccept: notModelled, prepareAccept: notModelled },
  };
  return { grants, grantRecorder };
}
