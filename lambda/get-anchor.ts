import { handlerFor } from '../functions/get-anchor.ts';
import { getAnchorRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openObjects } from './open/objects.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(getAnchorRow, handlerFor, { objects: openObjects, table: openTable });
