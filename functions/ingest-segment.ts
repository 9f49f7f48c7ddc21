import middy from '@middy/core';
import { type S3EventCall, s3EventMiddleware } from './events/s3-event-middleware.ts';
import { ingestSegment } from './ingest/ingest-segment.ts';
import { SegmentMemory } from './ingest/segment-memory.ts';
import type { PortsOf } from './ports.ts';
import { ingestSegmentRow as row } from './table.ts';

export const handlerFor = (ports: PortsOf<typeof row>, memory = new SegmentMemory()) =>
  middy(async ({ records, each }: S3EventCall) =>
    each(records, async ({ key, signal }) => {
      const outcome = await ingestSegment({ ...ports, memory }, key, signal);
      ports.observer.info('ingested', { key, outcome });
      ports.observer.count(`Ingest.${outcome}`);
    }),
  ).use(s3EventMiddleware(ports, row));
