import { createDynamoClient } from '../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../adapters/dynamodb/dynamo-table.ts';
import type { Address } from '../core/ids.ts';
import type { StackFile } from '../core/wire/stack-file.ts';
import { admitOwner } from '../functions/state/owner-entry.ts';

/** Stored bytes an owner may have on a local stack unless said otherwise. */
export const DEFAULT_QUOTA_BYTES = 64 * 2 ** 30;

/** Where a stack's table is, by its stack.json. */
export type StackTable = Pick<StackFile, 'tableEndpoint' | 'tableName' | 'tableAccessKey' | 'tableSecretKey'>;

/** A stack's table; `close` it when done. */
export function openStackTable({ tableEndpoint, tableName, tableAccessKey, tableSecretKey }: StackTable) {
  const client = createDynamoClient({
    ...{ region: 'us-east-1', endpoint: tableEndpoint },
    credentials: { accessKeyId: tableAccessKey, secretAccessKey: tableSecretKey },
  });
  return { table: createDynamoTable({ client, tableName }), close: () => client.destroy() };
}

/** Has a stack serve an owner, or gives it another quota: within a second, or within 15 where it had one. */
export async function admitToStack(stack: StackTable, owner: Address, quotaBytes: number): Promise<void> {
  const { table, close } = openStackTable(stack);
  try {
    await admitOwner(table, { owner, quotaBytes });
  } finally {
    close();
  }
}
