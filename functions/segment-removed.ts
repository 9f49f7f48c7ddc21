import middy from '@middy/core';
import { type S3EventCall, s3EventMiddleware } from './events/s3-event-middleware.ts';
import { markRemoved } from './ingest/mark-removed.ts';
import { SegmentMemory } from './ingest/segment-memory.ts';
import type { PortsOf } from './ports.ts';
import { segmentRemovedRow as row } from './table.ts';

export const handlerFor = (ports: PortsOf<typeof row>, memory = new SegmentMemory()) =>
  middy(async ({ records, each }: S3EventCall) =>
    each(records, async ({ key, signal }) => {
      const outcome = await markRemoved({ ...ports, memory }, key, signal);
      if (outcome === 'lost') ports.observer.error('segment lost', { key });
      else ports.observer.info('removal looked at', { key, outcome });
      ports.observer.count(`Removal.${outcome}`);
    }),
  ).use(s3EventMiddleware(ports, row));
