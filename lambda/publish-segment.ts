import { handlerFor } from '../functions/publish-segment.ts';
import { publishSegmentRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openDissc } from './open/dissc.ts';
import { openIpfs } from './open/ipfs.ts';
import { openObjects } from './open/objects.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(publishSegmentRow, handlerFor, {
  objects: openObjects,
  table: openTable,
  dissc: openDissc,
  ipfs: openIpfs,
});
