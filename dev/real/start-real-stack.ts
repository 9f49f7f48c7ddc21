import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccountSigner } from '../../adapters/ethereum/account-signer.ts';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import type { Address } from '../../core/ids.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import { admitToStack, DEFAULT_QUOTA_BYTES } from '../../local/admit-to-stack.ts';
import { startHost } from '../../local/host/start-host.ts';
import { BUCKET, OPERATOR_WEI, openService, REGION } from '../../local/stack/open-service.ts';
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

const GIVEN_WEI = 10n ** 20n;

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
  // What is a folder to the gateway is a bucket to its callers.
  await mkdir(join(objectStore.dataDir, BUCKET), { recursive: true });
  const service = await openService({
    ...{ rpcUrl, chainId, signer, s3AccessKey, s3SecretKey, s3Endpoint: objectStore.endpoint, ipfsApiUrl: ipfs.apiUrl },
    ...{ table: { endpoint: table.endpoint, credentials: DYNAMODB_LOCAL_CREDENTIALS }, log: write },
  });
  parts.push(() => service.close());
  const host = await startHost({ ports: service.ports, lambda: s3Keys });
  parts.push(() => host.close());
  const { objects } = service;
  const onEvent = host.deliverS3Event;
  const delivery = deliverStored({ bucket: BUCKET, region: REGION, objects, onEvent, log: write });
  parts.push(() => delivery.stop());

  const stack = service.stackFile(host);
  const stackFile = join(folder, 'stack.json');
  await createSecretFile(stackFile, `${JSON.stringify(stack, null, 2)}\n`);
  return {
    ...{ stack, stackFile, network, objects: objectStore, table, ipfs, peer },
    async admit(owner) {
      await admitToStack(stack, owner, DEFAULT_QUOTA_BYTES);
      await slots.credit(owner, GIVEN_WEI);
    },
    fund: (account) => slots.credit(account, GIVEN_WEI),
  };
}

function startedOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
