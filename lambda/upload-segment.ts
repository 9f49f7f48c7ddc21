import { uploadSegmentRow } from '../functions/table.ts';
import { handlerFor } from '../functions/upload-segment.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openAsc } from './open/asc.ts';
import { openDissc } from './open/dissc.ts';
import { openObjects } from './open/objects.ts';
import { openOwners } from './open/owners.ts';
import { openQueue } from './open/queue.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(uploadSegmentRow, handlerFor, {
  objects: openObjects,
  table: openTable,
  owners: openOwners,
  dissc: openDissc,
  asc: openAsc,
  queue: openQueue,
});
