import { handlerFor } from '../functions/get-records.ts';
import { getRecordsRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openObjects } from './open/objects.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(getRecordsRow, handlerFor, { objects: openObjects, table: openTable });
