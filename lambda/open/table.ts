import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';

export function openTable(env: Environment): Pick<ServicePorts, 'table'> {
  const client = createDynamoClient({ region: env.lambda.region, endpoint: null, credentials: null });
  return { table: createDynamoTable({ client, tableName: env.text('PLUMBLINE_TABLE') }) };
}
