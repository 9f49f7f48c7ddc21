import { handlerFor } from '../functions/list-batches.ts';
import { listBatchesRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openDissc } from './open/dissc.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(listBatchesRow, handlerFor, { table: openTable, dissc: openDissc });
