import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient, type DynamoOptions } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { expiringItems } from '../../adapters/dynamodb/expiring-items.ts';
import type { AccountSigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { ANSWER_GAS, DEMAND_GAS, deployableOcasc } from '../../adapters/ethereum/deployable-ocasc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { ObjectLister, ObjectStore } from '../../core/ports/object-store.ts';
import { DEFAULT_ROUND_LIMIT_MS } from '../../core/rounds/cadence.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import type { ConsoleSiteOptions } from '../console/console-site.ts';
import { forgetExpired } from '../host/forget-expired.ts';
import type { HostOptions, RunningHost } from '../host/start-host.ts';

export const REGION = 'us-east-1';
export const BUCKET = 'segments';
export const OPERATOR_WEI = 10n ** 21n;
const TABLE = 'plumbline';
/** On this chain nobody waits a day for an answer. */
const MIN_WINDOW_SECONDS = 5;

/** Chain, stores and IPFS that are up, whichever programs they are. */
export interface ServiceParts {
  readonly rpcUrl: string;
  readonly chainId: number;
  /** The operator's account, with ether: relayer, and storage of agreements. */
  readonly signer: AccountSigner;
  readonly table: { readonly endpoint: string; readonly credentials: NonNullable<DynamoOptions['credentials']> };
  readonly s3Endpoint: string;
  readonly s3AccessKey: string;
  readonly s3SecretKey: string;
  readonly ipfsApiUrl: string;
  /** Where the functions' log lines go. */
  readonly log: (line: object) => void;
}

export interface OpenedService {
  readonly ports: HostOptions['ports'];
  readonly objects: ObjectStore & ObjectLister;
  /** What the console is told of it. */
  readonly place: ConsoleSiteOptions['place'];
  /** What stack.json says once the functions are up. */
  stackFile(host: Pick<RunningHost, 'apiUrl' | 'lambdaEndpoint'>): StackFile;
  close(): Promise<void>;
}

/** Puts the contracts onto the chain and the table into its store, and opens everything the functions run on. */
export async function openService(parts: ServiceParts): Promise<OpenedService> {
  const { rpcUrl, chainId, signer, s3Endpoint, s3AccessKey, s3SecretKey, ipfsApiUrl } = parts;
  const dissc = disscAddress();
  const ocascDeployable = deployableOcasc({
    dissc,
    minWindowSeconds: MIN_WINDOW_SECONDS,
    answerGas: ANSWER_GAS,
    demandGas: DEMAND_GAS,
  });
  const ascDeployable = deployableAsc({ dissc });
  await deployContracts({ rpcUrl, chainId, signer }, [DISSC, ocascDeployable, ascDeployable]);
  const [ocasc, asc] = [deployedAddress(ocascDeployable), deployedAddress(ascDeployable)];

  const client = createDynamoClient({ region: REGION, ...parts.table });
  const credentials = { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey };
  const objects = createS3ObjectStore({ region: REGION, bucket: BUCKET, endpoint: s3Endpoint, credentials });
  const p2pfs = createKuboP2pfs({ apiUrl: ipfsApiUrl });
  const close = (): void => {
    p2pfs.close();
    objects.close();
    client.destroy();
  };
  try {
    await createTable(client, TABLE);
  } catch (error) {
    close();
    throw error;
  }
  const observer = createLineObserver(parts.log);
  // The embedded table forgets nothing by itself.
  const forgetting = forgetExpired({
    ...{ table: createDynamoTable({ client, tableName: TABLE }), nowMs: Date.now },
    left: (stopped) => expiringItems(client, TABLE, stopped),
    onFailure: (error) => observer.warn('expired items not deleted', { error }),
  });
  return {
    objects,
    ports: {
      primitives: nodePrimitives,
      objects,
      table: forgetting.table,
      owners: createTableOwners({ table: forgetting.table, runtime: nodeRuntime }),
      ledger: createDisscLedger({ rpcUrl, chainId, dissc }),
      recorder: createDisscRecorder({ rpcUrl, chainId, dissc, signer }),
      rounds: createDisscRounds({ rpcUrl, chainId, dissc }),
      roundRecorder: createDisscRoundRecorder({ rpcUrl, chainId, dissc, signer }),
      grantRecorder: createAscRecorder({ rpcUrl, chainId, asc, signer }),
      agreements: createOcascLedger({ rpcUrl, chainId, ocasc }),
      grants: createAscLedger({ rpcUrl, chainId, asc }),
      p2pfs,
      runtime: nodeRuntime,
      observer,
    },
    place: {
      ...{ chainId, finalDepth: null, dissc, ocasc, asc, fromBlock: 0, anchorer: signer.account },
      // Whoever runs a local stack has the keys of all of it.
      ...{ isOneOperator: true, roundLimitMs: DEFAULT_ROUND_LIMIT_MS },
    },
    stackFile: ({ apiUrl, lambdaEndpoint }) => ({
      ...{ rpcUrl, chainId, contracts: { DISSC: dissc, ASC: asc, OCASC: ocasc }, apiUrl },
      ...{ s3Endpoint, s3AccessKey, s3SecretKey, bucket: BUCKET, ipfsApiUrl },
      ...{ lambdaEndpoint: lambdaEndpoint ?? apiUrl, operator: signer.account },
      ...tableOf(parts),
    }),
    async close() {
      await forgetting.close();
      close();
    },
  };
}

function tableOf({ table: { endpoint, credentials } }: ServiceParts) {
  const { accessKeyId, secretAccessKey } = credentials;
  return { tableEndpoint: endpoint, tableName: TABLE, tableAccessKey: accessKeyId, tableSecretKey: secretAccessKey };
}
