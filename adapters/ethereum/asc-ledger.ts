import { type Result, zeroPadValue } from 'ethers';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import type { Grant, GrantId, Grants } from '../../core/ports/grants.ts';
import { ascInterface, decodeGrantId, decodeTerms } from './asc-interface.ts';
import { callAt } from './call-at.ts';
import { GRANT_STATES } from './contract-states.ts';
import { decode, findLogs } from './find-logs.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';

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
      const inputs = ids.map((id) => ascInterface.encodeFunctionData('grant', [id]));
      const { point, results } = await callAt(view, inputs, anchor, signal);
      const grants = results.map((result, i) => {
        if (result === null) return null;
        return decode(view, () =>
          decodeGrant(ids[i] as GrantId, ascInterface.decodeFunctionResult('grant', result)[0]),
        );
      });
      return { point, grants };
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
      const input = ascInterface.encodeFunctionData('credit', [account]);
      const { results } = await callAt(view, [input], anchor, signal);
      const [result = null] = results;
      if (result === null) return 0n;
      return decode(view, () => BigInt(ascInterface.decodeFunctionResult('credit', result)[0]));
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
