import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import type { AccountSigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { deployableOcasc } from '../../adapters/ethereum/deployable-ocasc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { Address } from '../../core/ids.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { startHost } from '../host/start-host.ts';
import { admitOwner, DEFAULT_QUOTA_BYTES, servedOwnersOf } from '../served-owners.ts';
import { deliverStored } from './deliver-stored.ts';
import { type GethNetwork, startGethNetwork } from './geth/start-network.ts';
import { DYNAMODB_LOCAL_CREDENTIALS, type RunningDynamoDbLocal, startDynamoDbLocal } from './start-dynamodb-local.ts';
import { type RunningKubo, startKubo } from './start-kubo.ts';
import { type RunningVersitygw, startVersitygw } from './start-versitygw.ts';

export interface RealStackOptions {
  /** Everything it keeps; new. */
  readonly folder: string;
  /** Where the programs are. */
  readonly programs: {
    readonly geth: string;
    readonly ipfs: string;
    readonly versitygw: string;
    /** Folder of DynamoDB Local's jars. */
    readonly dynamoDbLocal: string;
  };
  /** The operator's account: relayer, and storage of agreements. */
  readonly signer: AccountSigner;
  readonly slotMs?: number;
  readonly finalityLagSlots?: number;
}

export interface RealStack {
  readonly stack: StackFile;
  /** Path of its stack.json. */
  readonly stackFile: string;
  readonly network: GethNetwork;
  readonly objects: RunningVersitygw;
  readonly table: RunningDynamoDbLocal;
  /** The operator's IPFS node, and a peer of it that has nothing. */
  readonly ipfs: RunningKubo;
  readonly peer: RunningKubo;
  /** Serves an owner, and gives her ether. */
  admit(owner: Address): Promise<void>;
  /** Gives an account 100 ether. */
  fund(account: Address): Promise<void>;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';
const BUCKET = 'segments';
const TABLE = 'plumbline';
const OPERATOR_WEI = 10n ** 21n;
const GIVEN_WEI = 10n ** 20n;
const MIN_WINDOW_SECONDS = 5;
/** At most; design §12. */
const ANSWER_GAS = 130_000;

/** Starts the service on real programs: geth, versitygw, DynamoDB Local and Kubo, all on loopback. */
export async function startRealStack(options: RealStackOptions): Promise<RealStack> {
  // In order of starting; stopped in the reverse order.
  const parts: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) await part();
  };
  try {
    return { ...(await startParts(options, parts)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(options: RealStackOptions, parts: (() => unknown)[]): Promise<Omit<RealStack, 'stop'>> {
  const { folder, programs, signer, slotMs = 1_000, finalityLagSlots = 2 } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const log = createWriteStream(join(folder, 'stack.log'), { flags: 'a', mode: 0o600 });
  parts.push(() => new Promise<void>((resolve) => log.end(() => resolve())));
  const write = (line: object): void => void log.write(`${JSON.stringify(line)}\n`);

  /** Whatever starts is stopped, also when another part beside it does not. */
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting;
    parts.push(() => started.stop());
    return started;
  };
  const s3AccessKey = `PL${randomBytes(9).toString('hex').toUpperCase()}`;
  const s3SecretKey = randomBytes(30).toString('base64url');
  const { geth, ipfs: ipfsProgram, versitygw, dynamoDbLocal } = programs;
  const s3Keys = { accessKey: s3AccessKey, secretKey: s3SecretKey, region: REGION };
  const started = await Promise.allSettled([
    keep(startGethNetwork({ geth, folder: join(folder, 'chain'), finalityLagSlots })),
    keep(startVersitygw({ versitygw, folder: join(folder, 'objects'), ...s3Keys })),
    keep(startDynamoDbLocal({ lib: dynamoDbLocal, folder: join(folder, 'table') })),
    keep(startKubo({ ipfs: ipfsProgram, folder: join(folder, 'ipfs') })),
    keep(startKubo({ ipfs: ipfsProgram, folder: join(folder, 'peer') })),
  ] as const);
  const [network, objectStore, table, ipfs, peer] = [
    startedOf(started[0]),
    startedOf(started[1]),
    startedOf(started[2]),
    startedOf(started[3]),
    startedOf(started[4]),
  ] as const;
  await peer.run('swarm', 'connect', await ipfs.address());

  const { rpcUrl, chainId, slots } = network;
  await slots.credit(signer.account, OPERATOR_WEI);
  slots.run(slotMs);
  const dissc = disscAddress();
  const ocascDeployable = deployableOcasc({ dissc, minWindowSeconds: MIN_WINDOW_SECONDS, answerGas: ANSWER_GAS });
  const ascDeployable = deployableAsc({ dissc });
  await deployContracts({ rpcUrl, chainId, signer }, [DISSC, ocascDeployable, ascDeployable]);
  const [ocasc, asc] = [deployedAddress(ocascDeployable), deployedAddress(ascDeployable)];

  const credentials = { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey };
  const client = createDynamoClient({
    region: REGION,
    endpoint: table.endpoint,
    credentials: DYNAMODB_LOCAL_CREDENTIALS,
  });
  parts.push(() => client.destroy());
  await createTable(client, TABLE);
  // What is a folder to the gateway is a bucket to its callers.
  await mkdir(join(objectStore.dataDir, BUCKET), { recursive: true });
  const objects = createS3ObjectStore({ region: REGION, bucket: BUCKET, endpoint: objectStore.endpoint, credentials });
  parts.push(() => objects.close());
  const p2pfs = createKuboP2pfs({ apiUrl: ipfs.apiUrl });
  parts.push(() => p2pfs.close());

  const host = await startHost({
    ports: {
      primitives: nodePrimitives,
      objects,
      table: createDynamoTable({ client, tableName: TABLE }),
      ledger: createDisscLedger({ rpcUrl, chainId, dissc }),
      recorder: createDisscRecorder({ rpcUrl, chainId, dissc, signer }),
      grantRecorder: createAscRecorder({ rpcUrl, chainId, asc, signer }),
      agreements: createOcascLedger({ rpcUrl, chainId, ocasc }),
      grants: createAscLedger({ rpcUrl, chainId, asc }),
      p2pfs,
      nowMs: Date.now,
      observer: createLineObserver(write),
    },
    owners: servedOwnersOf(folder),
    lambda: s3Keys,
  });
  parts.push(() => host.close());
  const onEvent = host.deliverS3Event;
  const delivery = deliverStored({ bucket: BUCKET, region: REGION, objects, onEvent, log: write });
  parts.push(() => delivery.stop());

  const stack: StackFile = {
    ...{ rpcUrl, chainId, contracts: { DISSC: dissc, ASC: asc, OCASC: ocasc }, apiUrl: host.apiUrl },
    ...{ s3Endpoint: objectStore.endpoint, s3AccessKey, s3SecretKey, bucket: BUCKET, ipfsApiUrl: ipfs.apiUrl },
    ...{ lambdaEndpoint: host.lambdaEndpoint ?? host.apiUrl, operator: signer.account },
  };
  const stackFile = join(folder, 'stack.json');
  await createSecretFile(stackFile, `${JSON.stringify(stack, null, 2)}\n`);
  return {
    ...{ stack, stackFile, network, objects: objectStore, table, ipfs, peer },
    async admit(owner) {
      await admitOwner(folder, owner, DEFAULT_QUOTA_BYTES);
      await slots.credit(owner, GIVEN_WEI);
    },
    fund: (account) => slots.credit(account, GIVEN_WEI),
  };
}

function startedOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
