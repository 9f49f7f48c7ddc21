import { type Result, zeroPadValue } from 'ethers';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import { ascInterface, decodeGrantId, decodeTerms } from './asc-interface.ts';
import { GRANT_STATES } from './contract-states.ts';
import { decode, findLogs } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { readEach } from './read-each.ts';

export interface AscLedgerOptions extends JsonRpcOptions {
  readonly asc: Address;
}

/**
 * ASC read through one Ethereum node; grants are read at one block named by its hash. Block numbers of a grant are any u64,
 * and anybody proposes: terms that do not fit a safe integer are no grant here, and their proposals are not found.
 */
export function createAscLedger(options: AscLedgerOptions): Grants {
  const { chainId, asc } = options;
  const view = { rpc: createJsonRpc(options), name: 'ASC', at: asc, patienceMs: options.patienceMs };
  return {
    domain: { chainId, asc },

    async readGrants(ids, anchor, signal) {
      const given = ids.map((id) => [id]);
      const asked = { of: ascInterface, name: 'grant' };
      const { point, values } = await readEach(view, asked, given, anchor, signal, (found, place) =>
        decodeGrant(ids[place] as GrantId, found),
      );
      return { point, grants: values };
    },

    async findProposed({ css, dataset }, fromBlock, toBlock, signal) {
      const indexed = [null, dataset ?? null, css === undefined ? null : zeroPadValue(css, 32)];
      const logs = await findLogs(view, ascInterface, { event: 'Proposed', indexed, fromBlock, toBlock }, signal);
      return logs.flatMap(({ values, blockNumber }) =>
        decode(view, () => {
          const terms = decodeTerms(values.terms);
          return terms === null
            ? []
            : { id: decodeGrantId(values.id), owner: address(values.owner), terms, blockNumber };
        }),
      );
    },

    async readCreditWei(account, anchor, signal) {
      const asked = { of: ascInterface, name: 'credit' };
      return (await readEach(view, asked, [[account]], anchor, signal, BigInt)).values[0] ?? 0n;
    },
  };
}

function decodeGrant(id: GrantId, grant: Result): Grant | null {
  const state = GRANT_STATES[Number(grant.state)];
  if (state === undefined) throw new LedgerUnavailableError(`A grant is in the unknown state ${grant.state}.`);
  const terms = decodeTerms(grant.terms);
  const endSeconds = Number(grant.end);
  if (state === null || terms === null || !Number.isSafeInteger(endSeconds)) return null;
  return {
    id,
    terms,
    state,
    endSeconds,
    revoked: Boolean(grant.revoked),
    fuelWei: BigInt(grant.fuel),
    owner: address(grant.owner),
    paidAtSeconds: Number(grant.paidAt),
  };
}
