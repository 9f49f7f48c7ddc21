import type { AgreementId } from '../../core/ids.ts';
import { readConnection } from '../../library/connection.ts';
import { newestPoint, openMarket } from '../../library/open-contracts.ts';
import {
  type OpenedConsumer,
  type OpenedPurchase,
  openConsumer as openConsumerOf,
  openConsumerPurchase as openPurchaseOf,
} from '../../library/opened-consumer.ts';
import { listPurchases } from '../../library/purchase-file.ts';
import { resolveId } from '../../library/short-ids.ts';
import { openOwner } from '../owner/owner-home.ts';
import type { CommandContext } from '../run-command.ts';

/** The consumer of the command's home, for the time of one command. */
export async function openConsumer(context: CommandContext): Promise<OpenedConsumer> {
  const connection = await readConnection(context);
  return openConsumerOf(context, connection, await openOwner(context));
}

/** @throws ArgumentError when there is no such agreement, or this keystore did not accept it */
export async function openConsumerPurchase(context: CommandContext, agreement: string): Promise<OpenedPurchase> {
  const id = await resolvePurchase(context, agreement);
  return openPurchaseOf(context.home, await openConsumer(context), id, context.signal);
}

/**
 * The agreement whose id begins so: among those of which something is kept here, else among all that were ever offered.
 * @throws ArgumentError when it is not exactly one
 */
export function resolvePurchase(context: CommandContext, text: string): Promise<AgreementId> {
  return resolveId(text, 'an agreement', async () => {
    const kept = await listPurchases(context.home);
    return kept.some((id) => id.startsWith(text.toLowerCase())) ? kept : findOffers(context);
  });
}

/** The offer whose id begins so, among all that were ever made. @throws ArgumentError when it is not exactly one */
export function resolveOffered(context: CommandContext, text: string): Promise<AgreementId> {
  return resolveId(text, 'an offer', () => findOffers(context));
}

async function findOffers(context: CommandContext): Promise<AgreementId[]> {
  const connection = await readConnection(context);
  const { blockNumber } = await newestPoint(connection, context.signal);
  const offers = await openMarket(connection).findOffers({}, connection.fromBlock, blockNumber, context.signal);
  return offers.map(({ id }) => id);
}
