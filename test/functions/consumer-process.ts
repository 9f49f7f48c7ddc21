import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { fromHex } from '../../core/bytes.ts';
import type { Address, AgreementId, DatasetId, PrivateKey } from '../../core/ids.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { DYNALITE_CREDENTIALS } from '../../local/stack/start-dynalite.ts';
import { serviceSettings } from './service-settings.ts';
import { clientOf, patiently } from './start-sale.ts';
import { BUCKET, REGION } from './start-service.ts';
import { statedOwners } from './stated-owners.ts';

/** What the process is sent first; it answers `ready`, and a list of numbers of blocks with those it got. */
export interface ConsumerTask {
  readonly contracts: { rpcUrl: string; chainId: number; dissc: Address; ocasc: Address; asc: Address };
  readonly dynaliteEndpoint: string;
  readonly s3: { endpoint: string; accessKeyId: string; secretAccessKey: string };
  readonly cssAccount: Address;
  readonly owner: Address;
  readonly dataset: DatasetId;
  readonly agreement: AgreementId;
  readonly signerKey: string;
}

// The service and a consumer of it in a process of their own: all their requests at once, one block each.
process.once('message', (task: ConsumerTask) => {
  const { contracts, s3, dataset } = task;
  const { endpoint, ...credentials } = s3;
  const client = createDynamoClient({
    ...{ region: REGION, endpoint: task.dynaliteEndpoint, credentials: DYNALITE_CREDENTIALS },
  });
  const owners = new Map([[task.owner, 2 ** 40]]);
  const settings = serviceSettings({
    ...{ authorities: ['api.plumbline.example'], cssAccount: task.cssAccount, chainId: contracts.chainId },
  });
  const ports: ServicePorts = {
    primitives: nodePrimitives,
    objects: createS3ObjectStore({ region: REGION, bucket: BUCKET, endpoint, credentials }),
    table: createDynamoTable({ client, tableName: 'plumbline' }),
    owners: statedOwners(owners),
    ...{ ledger: createDisscLedger(contracts), agreements: createOcascLedger(contracts) },
    ...{
      grants: createAscLedger(contracts),
      grantRecorder: null,
      p2pfs: null,
      // Nothing is recorded here.
      recorder: null as unknown as ServicePorts['recorder'],
      rounds: null as unknown as ServicePorts['rounds'],
      roundRecorder: null as unknown as ServicePorts['roundRecorder'],
      anchorQueue: { wake: async () => undefined },
    },
    ...{
      settings: () => settings,
      runtime: nodeRuntime,
      observer: createLineObserver(() => undefined),
    },
  };
  const consumer = clientOf(ports, fromHex(task.signerKey) as PrivateKey, task.agreement);
  process.on('message', async (asked: number[]) => {
    const answered = await Promise.all(
      asked.map((index) => patiently(() => consumer.proveChunks(dataset, [{ index, random: 3 * index }]))),
    );
    process.send?.(answered.flatMap(({ answers }) => answers.flatMap((one) => ('chunk' in one ? [one.index] : []))));
  });
  process.send?.('ready');
});
