import { handlerFor } from '../functions/anchor.ts';
import { anchorRow } from '../functions/table.ts';
import { lambdaHandler } from './lambda-handler.ts';
import { openObjects } from './open/objects.ts';
import { openOwners } from './open/owners.ts';
import { openGrantRecorder, openRecorder } from './open/recorder.ts';
import { openTable } from './open/table.ts';

export const handler = lambdaHandler(anchorRow, handlerFor, {
  objects: openObjects,
  table: openTable,
  owners: openOwners,
  dissc: openRecorder,
  asc: openGrantRecorder,
});
