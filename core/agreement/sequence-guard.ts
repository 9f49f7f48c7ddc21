import { ProofError } from '../errors.ts';
import type { MessageHeader } from './message.ts';

/**
 * Keeps a mailbox from showing one message twice, or an older one behind a newer: of each sender in each agreement, every
 * message taken has a higher sequence number than the last. Numbers may be missing: a reader cannot tell a message that was
 * never sent from one withheld.
 */
export class SequenceGuard {
  readonly #last = new Map<string, number>();

  /** What was read before, so that a reader that starts again is not shown it anew. */
  constructor(read: readonly Pick<MessageHeader, 'agreement' | 'from' | 'sequence'>[] = []) {
    for (const message of read) {
      this.#last.set(streamOf(message), Math.max(message.sequence, this.#last.get(streamOf(message)) ?? 0));
    }
  }

  /** Notes a message whose signature was verified. @throws ProofError when its number was reached before */
  take(message: Pick<MessageHeader, 'agreement' | 'from' | 'sequence'>): void {
    const last = this.#last.get(streamOf(message));
    if (last !== undefined && message.sequence <= last) {
      throw new ProofError(
        `Message ${message.sequence} from ${message.from} arrived after ${last}, so it is repeated or late.`,
      );
    }
    this.#last.set(streamOf(message), message.sequence);
  }
}

function streamOf({ agreement, from }: Pick<MessageHeader, 'agreement' | 'from'>): string {
  return `${agreement}/${from}`;
}
