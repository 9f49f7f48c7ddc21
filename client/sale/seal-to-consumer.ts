import { MAX_MESSAGES, type SealedMessage } from '../../core/agreement/message.ts';
import { sealMessage } from '../../core/agreement/seal-message.ts';
import { StateError } from '../../core/errors.ts';
import type { Agreement, Buyer } from '../../core/ports/agreements.ts';
import type { SaleParts } from './sale-parts.ts';

/**
 * Seals payloads to the agreement's consumer, under the next sequence numbers.
 * @throws StateError when the mailbox takes no more messages
 */
export async function sealToConsumer(
  { market, agentKey }: Pick<SaleParts, 'market' | 'agentKey'>,
  agreement: Agreement,
  next: number,
  payloads: readonly Uint8Array[],
): Promise<SealedMessage[]> {
  if (next + payloads.length > MAX_MESSAGES) {
    throw new StateError(
      `The mailbox takes ${MAX_MESSAGES} messages of the owner; ${next} are used, and ${payloads.length} more do not fit.`,
    );
  }
  const { signer, encryptionKey } = agreement.buyer as Buyer;
  const messages: SealedMessage[] = [];
  for (const [i, payload] of payloads.entries()) {
    const header = { agreement: agreement.id, from: agreement.agent, to: signer, sequence: next + i };
    messages.push(await sealMessage(market.domain, header, encryptionKey, agentKey, payload));
  }
  return messages;
}
