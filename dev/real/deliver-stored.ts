import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectLister } from '../../core/ports/object-store.ts';
import { makeEvent, type S3ObjectEvent } from '../../local/s3/s3-event.ts';

export interface DeliverOptions {
  readonly bucket: string;
  readonly region: string;
  readonly objects: ObjectLister;
  readonly onEvent: (event: S3ObjectEvent) => Promise<void>;
  readonly log: (line: object) => void;
}

const LOOK_EVERY_MS = 500;

/**
 * Tells of every stored object at least once, as S3 does: what a listing shows and nobody has taken yet is told, again and
 * again. The gateway's own events are sent once and may be lost.
 */
export function deliverStored(options: DeliverOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = deliverUntil(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function deliverUntil(options: DeliverOptions, signal: AbortSignal): Promise<void> {
  const { bucket, region, objects, onEvent, log } = options;
  const taken = new Set<string>();
  let told = 0;
  while (!signal.aborted) {
    try {
      for await (const key of objects.list('', signal)) {
        if (taken.has(key)) continue;
        const sequencer = (++told).toString(16).padStart(16, '0');
        const about = {
          bucket,
          region,
          key,
          sequencer,
          accessKey: 'listing',
          requestId: randomUUID(),
          atMs: Date.now(),
        };
        await onEvent(makeEvent({ eventName: 'ObjectCreated:Put', ...about })).then(
          () => taken.add(key),
          (error: unknown) => log({ event: 's3-event-failed', key, error: String(error) }),
        );
      }
    } catch (error) {
      if (!signal.aborted) log({ event: 's3-listing-failed', error: String(error) });
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
