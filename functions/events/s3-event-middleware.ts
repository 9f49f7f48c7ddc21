import type { MiddlewareObj } from '@middy/core';
import * as z from 'zod';
import type { CommonPorts } from '../ports.ts';
import type { EventRow } from '../row.ts';

/** Messages of a queue that carries S3 events, and how a handler goes through them. */
export interface S3EventCall {
  readonly records: readonly QueueRecord[];
  /** Runs once an object; messages whose run fails, or that cannot be read, are reported to come again. */
  readonly each: (
    records: readonly QueueRecord[],
    run: (event: { key: string; signal: AbortSignal }) => Promise<void>,
  ) => Promise<BatchResponse>;
}

interface QueueRecord {
  readonly messageId: string;
  readonly body: string;
}

export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const RESERVED_MS = 500;

const queueEvent = z.object({
  Records: z.array(z.object({ messageId: z.string(), body: z.string().max(262_144) })).max(10_000),
});
const s3Message = z.union([
  z.object({
    Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string().max(4096) }) }) })).max(1000),
  }),
  // What S3 sends once when notifications are set up.
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => ({ Records: [] })),
]);

/** What stands around a handler of S3 events: logs, the deadline, parsing, and partial failure of a batch. */
export function s3EventMiddleware(ports: CommonPorts, row: EventRow): MiddlewareObj[] {
  return [
    ...ports.observer.middleware,
    {
      before: (request) => {
        const leftMs = request.context.getRemainingTimeInMillis?.() ?? row.limits.timeoutMs;
        const signal = ports.runtime.timeout(Math.max(1, Math.min(leftMs, row.limits.timeoutMs) - RESERVED_MS));
        const { Records: records } = queueEvent.parse(request.event);
        request.event = { records, each: (list, run) => runEach(ports, row, list, run, signal) } satisfies S3EventCall;
      },
    },
  ];
}

async function runEach(
  { observer }: CommonPorts,
  row: EventRow,
  records: readonly QueueRecord[],
  run: (event: { key: string; signal: AbortSignal }) => Promise<void>,
  signal: AbortSignal,
): Promise<BatchResponse> {
  const failed: string[] = [];
  // One after the other: each may hold a segment of 33 MiB.
  for (const { messageId, body } of records) {
    try {
      signal.throwIfAborted();
      for (const { s3 } of s3Message.parse(JSON.parse(body)).Records) {
        await run({ key: decodeKey(s3.object.key), signal });
      }
    } catch (error) {
      observer.error('event failed', { function: row.name, messageId, error });
      observer.count('EventFailed');
      failed.push(messageId);
    }
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** Keys in events are form-encoded. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}
