import { randomUUID } from 'node:crypto';
import type { FunctionRow } from '../../functions/row.ts';
import type { S3ObjectEvent } from '../s3/s3-event.ts';
import type { LocalFunction } from './invoke-function.ts';

/**
 * Gives one event of the object store to the functions whose rows listen to it, one after the other.
 * @throws Error when one of them did not take it: the event must come again
 */
export async function deliverS3Event(functions: readonly LocalFunction[], event: S3ObjectEvent): Promise<void> {
  for (const one of functions.filter(({ row }) => takes(row, event))) {
    const { batchItemFailures } = (await one.invoke(queueEvent(event))) as { batchItemFailures: readonly unknown[] };
    if (batchItemFailures.length > 0) throw new Error(`${one.row.name} did not take ${event.eventName}.`);
  }
}

/** Whether a row listens to an event; in the table events have `s3:` before, and `*` for all of a kind. */
function takes({ trigger }: FunctionRow, { eventName, s3 }: S3ObjectEvent): boolean {
  if (trigger.kind !== 's3-event' || !s3.object.key.endsWith(trigger.suffix)) return false;
  return trigger.events.some((pattern) =>
    pattern.endsWith('*') ? `s3:${eventName}`.startsWith(pattern.slice(0, -1)) : `s3:${eventName}` === pattern,
  );
}

/** One S3 event in one message of a queue, as Lambda gets it. */
function queueEvent(event: S3ObjectEvent) {
  return {
    Records: [
      {
        messageId: randomUUID(),
        receiptHandle: 'local',
        body: JSON.stringify({ Records: [event] }),
        attributes: {},
        messageAttributes: {},
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:segments',
        awsRegion: event.awsRegion,
      },
    ],
  };
}
