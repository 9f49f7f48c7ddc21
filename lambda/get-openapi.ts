import { handlerFor } from '../functions/get-openapi.ts';
import { getOpenapiRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';

export const handler = lambdaHandler(getOpenapiRow, handlerFor, {});
