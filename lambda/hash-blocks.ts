import { handlerFor } from '../functions/hash-blocks.ts';
import { hashBlocksRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openAsc } from './open/asc.ts';
import { openDissc } from './open/dissc.ts';
import { openObjects } from './open/objects.ts';
import { openOcasc } from './open/ocasc.ts';
import { openOwners } from './open/owners.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(hashBlocksRow, handlerFor, {
  objects: openObjects,
  table: openTable,
  owners: openOwners,
  dissc: openDissc,
  ocasc: openOcasc,
  asc: openAsc,
});
