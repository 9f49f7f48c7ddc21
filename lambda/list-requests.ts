import { handlerFor } from '../functions/list-requests.ts';
import { listRequestsRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(listRequestsRow, handlerFor, { table: openTable });
