import { handlerFor } from '../functions/put-charter.ts';
import { putCharterRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openAsc } from './open/asc.ts';
import { openDissc } from './open/dissc.ts';
import { openObjects } from './open/objects.ts';
import { openOwners } from './open/owners.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(putCharterRow, handlerFor, {
  objects: openObjects,
  table: openTable,
  owners: openOwners,
  dissc: openDissc,
  asc: openAsc,
});
