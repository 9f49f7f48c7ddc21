import { readConnection } from '../../library/connection.ts';
import {
  type OpenedConsumer,
  type OpenedPurchase,
  openConsumer as openConsumerOf,
  openConsumerPurchase as openPurchaseOf,
  parseAgreementId,
} from '../../library/opened-consumer.ts';
import { openOwner } from '../owner/owner-home.ts';
import type { CommandContext } from '../run-command.ts';

/** The consumer of the command's home, for the time of one command. */
export async function openConsumer(context: CommandContext): Promise<OpenedConsumer> {
  const connection = await readConnection(context);
  return openConsumerOf(context, connection, await openOwner(context));
}

/** @throws ArgumentError when there is no such agreement, or this keystore did not accept it */
export async function openConsumerPurchase(context: CommandContext, agreement: string): Promise<OpenedPurchase> {
  const id = parseAgreementId(agreement);
  return openPurchaseOf(context.home, await openConsumer(context), id, context.signal);
}
