import { createTable, hasTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { StateError } from '../../core/errors.ts';
import type { Table } from '../../core/ports/table.ts';
import { readStackFile } from '../../library/connection.ts';
import { openStackTable } from '../../local/admit-to-stack.ts';
import { readServeSettings } from '../../local/serve/serve-settings.ts';

/** Which service's table: of a local stack, of a service on a machine of one's own, or of a deployment by the environment. */
export interface WhichTable {
  readonly config: string | undefined;
  readonly stack: string | undefined;
}

export interface OpenedTable {
  readonly table: Table;
  close(): void;
}

/**
 * The table of a service, for its operator; `close` it when done. Of a service on a machine of one's own it is made when it is missing.
 * @throws StateError when nothing says which; StoreUnavailableError when it does not answer
 */
export async function openServiceTable({ config, stack }: WhichTable): Promise<OpenedTable> {
  if (config === undefined && stack !== undefined) return openStackTable(await readStackFile(stack));
  if (config === undefined && process.env.PLUMBLINE_TABLE !== undefined && process.env.AWS_REGION !== undefined) {
    const client = createDynamoClient({ region: process.env.AWS_REGION, endpoint: null, credentials: null });
    const table = createDynamoTable({ client, tableName: process.env.PLUMBLINE_TABLE });
    return { table, close: () => client.destroy() };
  }
  if (config === undefined && process.env.PLUMBLINE_RPC_URLS === undefined) {
    throw new StateError(
      'Nothing says which service. Give --config FILE (plumb serve), --stack FILE (a local stack), or set PLUMBLINE_TABLE and AWS_REGION (a deployment in AWS).',
    );
  }
  const { region, table: served } = await readServeSettings(config ?? null, process.env);
  const client = createDynamoClient({ region, endpoint: served.endpoint, credentials: null });
  try {
    if (!(await hasTable(client, served.name))) await createTable(client, served.name);
  } catch (error) {
    client.destroy();
    throw error;
  }
  return { table: createDynamoTable({ client, tableName: served.name }), close: () => client.destroy() };
}
