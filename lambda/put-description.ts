import { handlerFor } from '../functions/put-description.ts';
import { putDescriptionRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openAsc } from './open/asc.ts';
import { openOcasc } from './open/ocasc.ts';
import { openOwners } from './open/owners.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(putDescriptionRow, handlerFor, {
  table: openTable,
  owners: openOwners,
  ocasc: openOcasc,
  asc: openAsc,
});
