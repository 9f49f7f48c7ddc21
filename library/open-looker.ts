import { createChainBlocks } from '../adapters/ethereum/chain-blocks.ts';
import { createTokenReader } from '../adapters/ethereum/read-token.ts';
import type { OfferLooker } from '../client/consumer/look-at-offer.ts';
import { type Connection, chainOf, openLedger } from './connection.ts';
import { openMarket } from './open-contracts.ts';
import { requireOcasc } from './require-contract.ts';

/**
 * What an offer is looked at through, before it is made or accepted.
 * @throws FileError where the connection names no OCASC
 */
export function openLooker(connection: Connection): OfferLooker {
  return {
    market: openMarket(connection),
    ledger: openLedger(connection),
    chainBlocks: createChainBlocks(connection),
    tokens: createTokenReader({ ...chainOf(connection), ocasc: requireOcasc(connection) }),
    fromBlock: connection.fromBlock,
  };
}
