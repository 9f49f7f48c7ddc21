import { createKeySigner } from '../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../adapters/ethereum/asc-party.ts';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { createOcascLedger } from '../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../adapters/ethereum/ocasc-party.ts';
import type { AgreementMarket, AgreementParty } from '../core/ports/agreements.ts';
import type { GrantParty, Grants } from '../core/ports/grants.ts';
import type { ChainPoint } from '../core/ports/ledger.ts';
import type { Connection } from './connection.ts';
import type { OpenedOwner } from './owner/owner-home.ts';
import { requireAsc, requireOcasc } from './require-contract.ts';

/** OCASC, read. */
export function openMarket({ rpcUrl, chainId, ...contracts }: Connection): AgreementMarket {
  return createOcascLedger({ rpcUrl, chainId, ocasc: requireOcasc(contracts) });
}

/** OCASC as an owner's or a consumer's account. */
export function openParty({ rpcUrl, chainId, ...contracts }: Connection, { privateKey }: OpenedOwner): AgreementParty {
  return createOcascParty({ rpcUrl, chainId, ocasc: requireOcasc(contracts), signer: createKeySigner(privateKey) });
}

/** ASC, read. */
export function openGrants({ rpcUrl, chainId, ...contracts }: Connection): Grants {
  return createAscLedger({ rpcUrl, chainId, asc: requireAsc(contracts) });
}

/** ASC as the owner's account. */
export function openGranter({ rpcUrl, chainId, ...contracts }: Connection, { privateKey }: OpenedOwner): GrantParty {
  return createAscParty({ rpcUrl, chainId, asc: requireAsc(contracts), signer: createKeySigner(privateKey) });
}

/** The newest block of the chain. */
export async function newestPoint(connection: Connection, signal?: AbortSignal): Promise<ChainPoint> {
  return (await createDisscLedger(connection).readHeads([], 'latest', signal)).point;
}
