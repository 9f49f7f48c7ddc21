import { handlerFor } from '../functions/put-request.ts';
import { putRequestRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openAsc } from './open/asc.ts';
import { openOcasc } from './open/ocasc.ts';
import { openOwners } from './open/owners.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(putRequestRow, handlerFor, {
  table: openTable,
  owners: openOwners,
  ocasc: openOcasc,
  asc: openAsc,
});
