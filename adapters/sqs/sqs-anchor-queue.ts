import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { StoreUnavailableError } from '../../core/errors.ts';
import { withDeadline } from '../with-deadline.ts';

export interface SqsAnchorQueueOptions {
  readonly region: string;
  /** Of a FIFO queue. */
  readonly queueUrl: string;
  readonly timeoutMs?: number;
  /** Milliseconds since 1970; wake-ups within one second of it are one. */
  readonly nowMs?: () => number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
// SQS drops what repeats within five minutes; a wake-up a second is enough.
const COALESCE_MS = 1_000;

/** Wakes the anchor function through a FIFO queue with one group, so that one run follows on the other; the body says why. */
export function createSqsAnchorQueue(options: SqsAnchorQueueOptions): {
  wake(reason: string, signal?: AbortSignal): Promise<void>;
} {
  const { region, queueUrl, timeoutMs = DEFAULT_TIMEOUT_MS, nowMs = Date.now } = options;
  const client = new SQSClient({ region, maxAttempts: 3 });
  const lastSlots = new Map<string, string>();
  return {
    async wake(reason, signal) {
      // Of the next second: what was stored after the run of this one began must wake another.
      const slot = `${reason}-${Math.floor(nowMs() / COALESCE_MS) + 1}`;
      // The queue has it, and would drop another.
      if (slot === lastSlots.get(reason)) return;
      const run = async (abortSignal: AbortSignal) => {
        const message = {
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify({ reason }),
          MessageGroupId: 'anchor',
          MessageDeduplicationId: slot,
        };
        await client.send(new SendMessageCommand(message), { abortSignal });
        lastSlots.set(reason, slot);
      };
      return withDeadline(timeoutMs, signal, run, (cause) => {
        return new StoreUnavailableError('The queue of the anchor function does not answer.', { cause });
      });
    },
  };
}
