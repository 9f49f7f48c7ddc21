import { LedgerUnavailableError } from '../../core/errors.ts';
import type { CalledContract } from './explain-refusal.ts';
import type { Receipt } from './wait-for-receipt.ts';

/** The first indexed argument of an event that a transaction must have logged. */
export function findEventId({ name, at, abi }: CalledContract, event: string, receipt: Receipt): string {
  const topic = abi.getEvent(event)?.topicHash;
  const found = receipt.logs.find(({ address, topics }) => address.toLowerCase() === at && topics[0] === topic);
  const id = found?.topics[1];
  if (id === undefined) {
    throw new LedgerUnavailableError(
      `Transaction ${receipt.txHash} was mined, but its receipt has no ${event} event of ${name}. Look for the transaction on the chain.`,
      { details: { hash: receipt.txHash } },
    );
  }
  return id;
}
