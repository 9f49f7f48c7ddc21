import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { address } from '../../core/ids.ts';
import type { Observer } from '../../functions/observe/observer.ts';
import { DEFAULT_GRANT_POLICY, type ServicePorts, type ServiceSettings } from '../../functions/ports.ts';
import type { RebuildPorts } from '../../functions/rebuild/rebuild-dataset.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import { reconcileSegmentsRow } from '../../functions/table.ts';
import { Environment } from '../../lambda/environment.ts';
import { openAsc } from '../../lambda/open/asc.ts';
import { openDissc, openRounds } from '../../lambda/open/dissc.ts';
import { openObjects } from '../../lambda/open/objects.ts';
import { openTable } from '../../lambda/open/table.ts';
import { readSettings } from '../../lambda/settings.ts';
import { readStackFile } from '../../library/connection.ts';
import { openPorts } from '../../local/serve/open-ports.ts';
import { readServeSettings } from '../../local/serve/serve-settings.ts';

type Ports = Omit<RebuildPorts, 'memory'>;
type Settings = Pick<ServiceSettings, 'grants' | 'cssAccount' | 'fromBlock'>;
type Opened = Pick<ServicePorts, 'objects' | 'table' | 'ledger' | 'rounds' | 'grants'> & {
  readonly settings: () => Settings;
};

const REGION = 'us-east-1';

/** A local stack's stores and chain, by its stack.json; `close` them when done. */
export async function openLocalStack(path: string, observer: Observer): Promise<Ports & { close(): void }> {
  const stack = await readStackFile(path);
  const { rpcUrl, chainId, contracts, tableAccessKey, tableSecretKey, s3AccessKey, s3SecretKey } = stack;
  const client = createDynamoClient({
    ...{ region: REGION, endpoint: stack.tableEndpoint },
    credentials: { accessKeyId: tableAccessKey, secretAccessKey: tableSecretKey },
  });
  const objects = createS3ObjectStore({
    ...{ region: REGION, bucket: stack.bucket, endpoint: stack.s3Endpoint },
    credentials: { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey },
  });
  const chain = { rpcUrl, chainId };
  const opened: Opened = {
    ...{ objects, table: createDynamoTable({ client, tableName: stack.tableName }) },
    ledger: createDisscLedger({ ...chain, dissc: address(stack.contracts.DISSC) }),
    rounds: createDisscRounds({ ...chain, dissc: address(stack.contracts.DISSC) }),
    grants: contracts.ASC === null ? null : createAscLedger({ ...chain, asc: address(contracts.ASC) }),
    settings: () => ({ cssAccount: address(stack.operator), grants: DEFAULT_GRANT_POLICY, fromBlock: 0 }),
  };
  const close = (): void => {
    objects.close();
    client.destroy();
  };
  return { ...rebuildPorts(opened, observer), close };
}

/** A service on a machine of one's own, by its settings; a table that is not there is made. */
export async function openServed(
  config: string,
  environment: Readonly<Record<string, string | undefined>>,
  observer: Observer,
  signal: AbortSignal,
): Promise<Ports & { close(): Promise<void> }> {
  const settings = await readServeSettings(config, environment);
  const { ports, signer, close } = await openPorts(settings, observer, signal);
  const told = (): Settings => ({
    ...{ grants: settings.grants, cssAccount: signer.account, fromBlock: settings.contracts.fromBlock },
  });
  return { ...rebuildPorts({ ...ports, settings: told }, observer), close };
}

/**
 * A deployment in AWS, by the environment of its function reconcile-segments.
 * @throws StateError naming the variable that is missing or malformed; ArgumentError or StoreUnavailableError where the secret
 * with the addresses of the nodes cannot be read
 */
export async function openDeployment(
  values: Readonly<Record<string, string | undefined>>,
  observer: Observer,
): Promise<Ports & { close(): void }> {
  const env = new Environment(reconcileSegmentsRow, values, observer);
  const settings = readSettings(reconcileSegmentsRow, env, {}) as Settings;
  const chain = { ...(await openDissc(env)), ...(await openRounds(env)), ...(await openAsc(env)) };
  const opened = { ...openObjects(env), ...openTable(env), ...chain };
  return { ...rebuildPorts({ ...opened, settings: () => settings }, observer), close: () => undefined };
}

function rebuildPorts(opened: Opened, observer: Observer): Ports {
  return {
    ...opened,
    ...{ primitives: nodePrimitives, runtime: nodeRuntime, observer },
    owners: createTableOwners({ table: opened.table, runtime: nodeRuntime }),
    // The clock wakes the anchor within a minute.
    anchorQueue: { wake: async () => undefined },
  };
}
