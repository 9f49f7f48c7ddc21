import { MAX_MESSAGES, requireMessageSigner, type SealedMessage } from '../../core/agreement/message.ts';
import { ProofError, RequestRefusedError, StateError } from '../../core/errors.ts';
import type { SaleParts } from './sale-parts.ts';
import { firstUnposted, noteNext, notePosted, readProgress } from './sale-rows.ts';
import type { ServedAgreement } from './served-agreement.ts';

/**
 * Posts the messages that wait, in their order. Each stays as it was sealed until the service has it: after a crash the very
 * same bytes are posted again.
 * @throws StateError when the mailbox holds other messages under these numbers
 */
export async function postMessages(parts: SaleParts, served: ServedAgreement, signal: AbortSignal): Promise<void> {
  const { id, agent } = served.agreement;
  const service = parts.serviceFor(id);
  for (;;) {
    const message = firstUnposted(parts.state, id, agent);
    if (message === null) return;
    try {
      await service.postMessage(message, signal);
    } catch (cause) {
      if (!(cause instanceof RequestRefusedError) || !cause.type.endsWith('/sequence-used')) throw cause;
      throw new StateError(
        `The mailbox already has a different message ${message.sequence} by this agent. A second server is running, or this state is older ` +
          'than the mailbox. Stop the second server; if this is an old copy, move its folder away and start again.',
        { cause },
      );
    }
    notePosted(parts.state, id, message.sequence);
    parts.onEvent({ event: 'keys-sent', agreement: id, sequence: message.sequence });
  }
}

/**
 * Finds the number of the next message, once, behind all those that the mailbox has: the state may be new, the agreement not.
 * (What was asked for is then read again from the beginning, and answered again.)
 * @throws StoreUnavailableError, RequestRefusedError as the service answers; Error as `readProgress`
 */
export async function findNextSequence(parts: SaleParts, served: ServedAgreement, signal: AbortSignal): Promise<void> {
  const { id, agent } = served.agreement;
  if (readProgress(parts.state, id).next !== null) return;
  const service = parts.serviceFor(id);
  let [from, to] = [0, MAX_MESSAGES];
  for (let at = 0; from < to; at = (from + to) >> 1) {
    const { messages } = await service.listMessages(id, { from: agent, sequence: at }, signal);
    const mine = messages.filter((message) => isMine(parts, served, message));
    const highest = Math.max(-1, ...mine.map(({ sequence }) => sequence));
    if (highest >= at) from = highest + 1;
    else to = at;
  }
  noteNext(parts.state, id, Math.min(from, MAX_MESSAGES));
}

/** Whether this agent wrote it: a mailbox that makes messages up could else use up all numbers. */
function isMine({ market }: SaleParts, { agreement: { id, agent } }: ServedAgreement, message: SealedMessage): boolean {
  try {
    requireMessageSigner(market.domain, { ...message, agreement: id, from: agent });
    return true;
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    return false;
  }
}
