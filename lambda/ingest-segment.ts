import { handlerFor } from '../functions/ingest-segment.ts';
import { ingestSegmentRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openAsc } from './open/asc.ts';
import { openDissc } from './open/dissc.ts';
import { openObjects } from './open/objects.ts';
import { openOwners } from './open/owners.ts';
import { openQueue } from './open/queue.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(ingestSegmentRow, handlerFor, {
  objects: openObjects,
  table: openTable,
  owners: openOwners,
  dissc: openDissc,
  asc: openAsc,
  queue: openQueue,
});
