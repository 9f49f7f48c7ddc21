import { handlerFor } from '../functions/get-descriptions.ts';
import { getDescriptionsRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(getDescriptionsRow, handlerFor, { table: openTable });
