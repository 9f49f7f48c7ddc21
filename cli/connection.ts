import { join, resolve } from 'node:path';
import { z } from 'zod';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { isMissingFile, readSecretFile } from '../adapters/keys/secret-file.ts';
import type { LambdaTarget } from '../adapters/service/lambda-transport.ts';
import { createStorageServiceClient, type RequestAccount } from '../adapters/service/storage-service-client.ts';
import { InvalidInputError } from '../core/errors.ts';
import { type Address, address } from '../core/ids.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import type { StorageService } from '../core/ports/service.ts';
import { stackFile } from '../core/wire/stack-file.ts';

/** Where the chain and the service are. */
export interface Connection {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly dissc: Address;
  readonly apiUrl: string;
  /** Chain block from which DISSC exists. */
  readonly fromBlock: number;
  readonly lambda: LambdaTarget;
}

/** Options that every command talking to chain or service takes. */
export interface ConnectionOptions {
  readonly home: string;
  readonly stack: string | undefined;
}

const connectionFile = z.strictObject({
  rpcUrl: z.url(),
  chainId: z.int().min(1),
  dissc: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  apiUrl: z.url(),
  fromBlock: z.int().min(0).default(0),
  lambda: z
    .strictObject({ region: z.string().min(1), functionPrefix: z.string().optional() })
    .default({ region: 'us-east-1' }),
});

/** From a local stack's stack.json when named, else from `connection.json` in the home folder. */
export async function readConnection(options: ConnectionOptions): Promise<Connection> {
  if (options.stack !== undefined) return fromStack(resolve(options.stack));
  const path = join(options.home, 'connection.json');
  const parsed = connectionFile.safeParse(await readJson(path, 'Give --stack FILE, or write this file (see README).'));
  if (!parsed.success) throw malformed(path, parsed.error);
  const { dissc, lambda, ...rest } = parsed.data;
  const { functionPrefix } = lambda;
  return {
    ...rest,
    dissc: address(dissc),
    lambda: { region: lambda.region, ...(functionPrefix === undefined ? {} : { functionPrefix }) },
  };
}

export function openLedger(connection: Connection): Ledger {
  return createDisscLedger(connection);
}

/** The service, called as this account. By Lambda Invoke go the functions that take it, the others over HTTP. */
export async function openService(
  connection: Connection,
  account: RequestAccount,
  via: 'http' | 'lambda',
): Promise<StorageService> {
  const { apiUrl, chainId, lambda } = connection;
  const target = { apiUrl, chainId, account };
  if (via === 'http') return createStorageServiceClient(target);
  const { createLambdaTransport } = await import('../adapters/service/lambda-transport.ts');
  return createStorageServiceClient({ ...target, transport: createLambdaTransport(lambda) });
}

async function fromStack(path: string): Promise<Connection> {
  const parsed = stackFile.safeParse(await readJson(path, 'Is the local stack running? Start it with: plumb local up'));
  if (!parsed.success) throw malformed(path, parsed.error);
  const stack = parsed.data;
  return {
    rpcUrl: stack.rpcUrl,
    chainId: stack.chainId,
    dissc: address(stack.contracts.DISSC),
    apiUrl: stack.apiUrl,
    fromBlock: 0,
    lambda: {
      region: 'us-east-1',
      endpoint: stack.lambdaEndpoint,
      credentials: { accessKeyId: stack.s3AccessKey, secretAccessKey: stack.s3SecretKey },
    },
  };
}

async function readJson(path: string, remedy: string): Promise<unknown> {
  let text: string;
  try {
    text = await readSecretFile(path);
  } catch (cause) {
    if (!isMissingFile(cause)) throw cause;
    throw new InvalidInputError(`There is no ${path}. ${remedy}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError(`${path} is not JSON.`, { cause });
  }
}

function malformed(path: string, error: z.ZodError): InvalidInputError {
  const issue = error.issues[0];
  return new InvalidInputError(`${path} is malformed at ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? '?'}.`);
}
