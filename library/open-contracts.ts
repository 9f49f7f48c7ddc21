import { createKeySigner } from '../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../adapters/ethereum/asc-party.ts';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { createDisscOwner, type DisscOwner } from '../adapters/ethereum/dissc-owner.ts';
import { createOcascLedger } from '../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../adapters/ethereum/ocasc-party.ts';
import type { CallSenderOptions } from '../adapters/ethereum/send-call.ts';
import type { AgreementMarket, AgreementParty } from '../core/ports/agreements.ts';
import type { GrantParty, Grants } from '../core/ports/grants.ts';
import type { ChainPoint } from '../core/ports/ledger.ts';
import { type Connection, chainOf } from './connection.ts';
import { type SenderHome, senderParts } from './open-sender.ts';
import type { OpenedOwner } from './opened-owner.ts';
import { requireAsc, requireOcasc } from './require-contract.ts';

/**
 * OCASC, read.
 * @throws FileError where the connection names no OCASC
 */
export function openMarket(connection: Connection): AgreementMarket {
  return createOcascLedger({ ...chainOf(connection), ocasc: requireOcasc(connection) });
}

/**
 * OCASC as an owner's or a consumer's account.
 * @throws FileError where the connection names no OCASC
 */
export function openParty(home: SenderHome, connection: Connection, owner: OpenedOwner): AgreementParty {
  return createOcascParty({ ...senderOf(home, connection, owner), ocasc: requireOcasc(connection) });
}

/**
 * ASC, read.
 * @throws FileError where the connection names no ASC
 */
export function openGrants(connection: Connection): Grants {
  return createAscLedger({ ...chainOf(connection), asc: requireAsc(connection) });
}

/**
 * ASC as the owner's account.
 * @throws FileError where the connection names no ASC
 */
export function openGranter(home: SenderHome, connection: Connection, owner: OpenedOwner): GrantParty {
  return createAscParty({ ...senderOf(home, connection, owner), asc: requireAsc(connection) });
}

/** DISSC as the owner's account. */
export function openDisscOwner(home: SenderHome, connection: Connection, owner: OpenedOwner): DisscOwner {
  return createDisscOwner({ ...senderOf(home, connection, owner), dissc: connection.dissc });
}

function senderOf(home: SenderHome, connection: Connection, { privateKey }: OpenedOwner): CallSenderOptions {
  const signer = createKeySigner(privateKey);
  return { ...chainOf(connection), signer, ...senderParts(home, connection.chainId, signer.account) };
}

/** The newest block of the chain. */
export async function newestPoint(connection: Connection, signal?: AbortSignal): Promise<ChainPoint> {
  return (await createDisscLedger(connection).readHeads([], 'latest', signal)).point;
}
