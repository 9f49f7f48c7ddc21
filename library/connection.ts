import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { signMessage } from '../adapters/keys/mnemonic.ts';
import { isMissingFile, readSecretFile } from '../adapters/keys/secret-file.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import type { createS3ObjectStore } from '../adapters/s3/s3-object-store.ts';
import type { LambdaTarget } from '../adapters/service/lambda-transport.ts';
import type { RequestAccount } from '../client/service/call-service.ts';
import { createStorageServiceClient } from '../client/service/storage-service-client.ts';
import { FileError } from '../core/errors.ts';
import { type Address, address, type PrivateKey } from '../core/ids.ts';
import { inArgument, inFile } from '../core/parse-outside.ts';
import type { Ledger, LinkReader, PublishedReader, RecordedReader } from '../core/ports/ledger.ts';
import type { MarketService, SegmentPublisher, StorageService } from '../core/ports/service.ts';
import { DEFAULT_ROUND_LIMIT_MS } from '../core/rounds/cadence.ts';
import { accountOfKey } from '../core/typed-data.ts';
import { type StackFile, stackFile } from '../core/wire/stack-file.ts';
import { readDeployments } from './read-deployments.ts';

/** Where the chain and the service are. */
export interface Connection {
  readonly rpcUrl: string;
  readonly chainId: number;
  /** How deep a final block lies, where the chain's nodes have no `finalized` block. */
  readonly finalDepth?: number | undefined;
  readonly dissc: Address;
  /** Null where it is not deployed, or not named. */
  readonly ocasc: Address | null;
  /** Null where it is not deployed, or not named. */
  readonly asc: Address | null;
  readonly apiUrl: string;
  /** The account in whose rounds the service anchors datasets; null where it is not named. */
  readonly anchorer: Address | null;
  /** Whether anchorer, storage and devices are one operator's: then a round is that one's own word. */
  readonly isOneOperator: boolean;
  /** From which age on the newest round is called late. */
  readonly roundLimitMs: number;
  /** Chain block from which DISSC exists: before it, nothing happened in any of the contracts. */
  readonly fromBlock: number;
  readonly lambda: LambdaTarget;
  /** The bucket itself, for an owner who may read it; null when not named. Without credentials, the environment's. */
  readonly s3: Bucket | null;
  /** RPC of an IPFS node that the owner uses; null when not named. */
  readonly ipfsApiUrl: string | null;
}

interface Bucket {
  readonly region: string;
  readonly bucket: string;
  readonly endpoint: string | null;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

/** Options that every command talking to chain or service takes. */
export interface ConnectionOptions {
  readonly home: string;
  readonly stack: string | undefined;
}

const addressText = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

const connectionFile = z.strictObject({
  rpcUrl: z.url(),
  chainId: z.int().min(1),
  finalDepth: z.int().min(0).max(1_000_000).optional(),
  /** A file that `plumb contracts deploy` wrote, from this file's folder; else the addresses themselves. */
  deployments: z.string().min(1).optional(),
  dissc: addressText.optional(),
  ocasc: addressText.optional(),
  asc: addressText.optional(),
  fromBlock: z.int().min(0).optional(),
  apiUrl: z.url(),
  anchorer: addressText.optional(),
  oneOperator: z.boolean().default(false),
  roundLimitMs: z.int().min(1_000).default(DEFAULT_ROUND_LIMIT_MS),
  lambda: z
    .strictObject({ region: z.string().min(1), functionPrefix: z.string().optional() })
    .default({ region: 'us-east-1' }),
  s3: z.strictObject({ bucket: z.string().min(3), region: z.string().min(1), endpoint: z.url().optional() }).optional(),
  ipfsApiUrl: z.url().optional(),
});

/** What `connection.json` says. */
export type ConnectionValues = z.input<typeof connectionFile>;

/**
 * From a local stack's stack.json when named, else from `connection.json` in the home folder.
 * @throws FileError when the file is missing or malformed
 */
export async function readConnection(options: ConnectionOptions): Promise<Connection> {
  if (options.stack !== undefined) return fromStack(resolve(options.stack));
  return readConnectionFile(join(options.home, 'connection.json'));
}

/** From a `connection.json`. @throws FileError when it is missing or malformed */
export async function readConnectionFile(path: string): Promise<Connection> {
  const named = await readJson(
    connectionFile,
    path,
    'Give --stack FILE, or export PLUMB_STACK=…/stack.json; or write this file (README, "Another chain").',
  );
  return connectionOf(path, named);
}

/**
 * A connection of plain values, as `connection.json` has them.
 * @throws ArgumentError naming the value that is wrong
 */
export async function connectionFrom(values: ConnectionValues): Promise<Connection> {
  const named = inArgument('The connection', () => connectionFile.parse(values));
  return connectionOf('The connection', named);
}

async function connectionOf(path: string, named: z.output<typeof connectionFile>): Promise<Connection> {
  const { rpcUrl, chainId, finalDepth, apiUrl, lambda, s3, ipfsApiUrl } = named;
  const { functionPrefix } = lambda;
  return {
    ...{ rpcUrl, chainId, finalDepth, apiUrl },
    ...(await contractsOf(path, named)),
    anchorer: addressOrNull(named.anchorer ?? null),
    ...{ isOneOperator: named.oneOperator, roundLimitMs: named.roundLimitMs },
    lambda: { region: lambda.region, ...(functionPrefix === undefined ? {} : { functionPrefix }) },
    s3: s3 === undefined ? null : { ...s3, endpoint: s3.endpoint ?? null, credentials: null },
    ipfsApiUrl: ipfsApiUrl ?? null,
  };
}

/** The chain alone, as every adapter of it takes it. */
export function chainOf({ rpcUrl, chainId, finalDepth }: Pick<Connection, 'rpcUrl' | 'chainId' | 'finalDepth'>): {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly finalDepth: number | undefined;
} {
  return { rpcUrl, chainId, finalDepth };
}

export function openLedger(connection: Connection): Ledger & RecordedReader & LinkReader & PublishedReader {
  return createDisscLedger(connection);
}

/** The bucket itself; null when the connection does not name it. Close it when done. */
export async function openBucket({ s3 }: Connection): Promise<ReturnType<typeof createS3ObjectStore> | null> {
  return s3 === null ? null : (await import('../adapters/s3/s3-object-store.ts')).createS3ObjectStore(s3);
}

/** The service, called as this account. By Lambda Invoke go the functions that take it, the others over HTTP. */
export async function openService(
  connection: Connection,
  account: RequestAccount,
  via: 'http' | 'lambda',
): Promise<StorageService & SegmentPublisher & MarketService> {
  const { apiUrl, chainId, lambda } = connection;
  const target = { apiUrl, chainId, account, runtime: nodeRuntime };
  if (via === 'http') return createStorageServiceClient(target);
  const { createLambdaTransport } = await import('../adapters/service/lambda-transport.ts');
  return createStorageServiceClient({ ...target, transport: createLambdaTransport(lambda) });
}

/** The service's public side, for who has no account: each call is signed by one of the moment. */
export function openCatalogue({ apiUrl, chainId }: Pick<Connection, 'apiUrl' | 'chainId'>): MarketService {
  const key = nodePrimitives.randomBytes(32) as PrivateKey;
  const account = { address: accountOfKey(key), signMessage: (message: Uint8Array) => signMessage(key, message) };
  return createStorageServiceClient({ apiUrl, chainId, account, runtime: nodeRuntime });
}

/**
 * What a running local stack tells.
 * @throws FileError when it is missing or malformed
 */
export function readStackFile(path: string): Promise<StackFile> {
  return readJson(stackFile, path, 'If it is a local stack, start it: plumb local up');
}

async function fromStack(path: string): Promise<Connection> {
  const stack = await readStackFile(path);
  const credentials = { accessKeyId: stack.s3AccessKey, secretAccessKey: stack.s3SecretKey };
  return {
    rpcUrl: stack.rpcUrl,
    chainId: stack.chainId,
    dissc: address(stack.contracts.DISSC),
    ocasc: addressOrNull(stack.contracts.OCASC),
    asc: addressOrNull(stack.contracts.ASC),
    apiUrl: stack.apiUrl,
    anchorer: address(stack.operator),
    // Whoever runs a local stack has the keys of all of it.
    ...{ isOneOperator: true, roundLimitMs: DEFAULT_ROUND_LIMIT_MS },
    fromBlock: 0,
    lambda: { region: 'us-east-1', endpoint: stack.lambdaEndpoint, credentials },
    s3: { region: 'us-east-1', bucket: stack.bucket, endpoint: stack.s3Endpoint, credentials },
    ipfsApiUrl: stack.ipfsApiUrl,
  };
}

/** Where the contracts are: from the deployments file that is named, or as they are named themselves. */
async function contractsOf(
  path: string,
  named: z.infer<typeof connectionFile>,
): Promise<Pick<Connection, 'dissc' | 'ocasc' | 'asc' | 'fromBlock'>> {
  const { deployments, dissc, ocasc, asc, fromBlock, chainId } = named;
  if (deployments === undefined) {
    if (dissc === undefined) {
      throw new FileError(`${path} does not name the contracts. Add deployments, the path of a file, or dissc.`);
    }
    return {
      ...{ dissc: address(dissc), ocasc: addressOrNull(ocasc), asc: addressOrNull(asc) },
      fromBlock: fromBlock ?? 0,
    };
  }
  if ([dissc, ocasc, asc, fromBlock].some((one) => one !== undefined)) {
    throw new FileError(
      `${path} names both deployments and single contracts. Leave out dissc, ocasc, asc and fromBlock.`,
    );
  }
  const file = resolve(dirname(path), deployments);
  const deployed = await readDeployments(file);
  if (deployed.chainId !== chainId) {
    throw new FileError(`${file} is for chain ${deployed.chainId}, but ${path} is for chain ${chainId}.`);
  }
  const { DISSC, OCASC, ASC } = deployed.contracts;
  return {
    ...{ dissc: address(DISSC.address), ocasc: address(OCASC.address), asc: address(ASC.address) },
    fromBlock: DISSC.block,
  };
}

function addressOrNull(hex: string | null | undefined): Address | null {
  return hex === null || hex === undefined ? null : address(hex);
}

async function readJson<T extends z.ZodType>(schema: T, path: string, remedy: string): Promise<z.output<T>> {
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (cause) {
    if (!isMissingFile(cause)) throw cause;
    throw new FileError(`There is no ${path}. ${remedy}`, { cause });
  }
  return inFile(path, () => schema.parse(JSON.parse(text)));
}
