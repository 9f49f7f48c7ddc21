import { z } from 'zod';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createDynamoClient } from '../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../adapters/dynamodb/dynamo-table.ts';
import type { AccountSigner } from '../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../adapters/ethereum/asc-ledger.ts';
import { createAscRecorder } from '../adapters/ethereum/asc-recorder.ts';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../adapters/ethereum/dissc-recorder.ts';
import { createOcascLedger } from '../adapters/ethereum/ocasc-ledger.ts';
import { createKuboP2pfs } from '../adapters/ipfs/kubo-p2pfs.ts';
import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../adapters/s3/s3-object-store.ts';
import { readSecret } from '../adapters/secrets/read-secret.ts';
import { createSqsAnchorQueue } from '../adapters/sqs/sqs-anchor-queue.ts';
import { InvalidInputError } from '../core/errors.ts';
import { type Address, address } from '../core/ids.ts';
import type { P2pfs } from '../core/ports/p2pfs.ts';
import { problemAnswer, problemOf } from './http/problem.ts';
import type { Observer } from './observe/observer.ts';
import { DEFAULT_GRANT_POLICY, type ServicePorts, type ServiceSettings } from './ports.ts';
import type { FunctionRow, Handler } from './table.ts';

/**
 * Lambda's entry to a function: ports and handler are made from the environment at the first invocation. Where they cannot be
 * made, as when a secret is not to be had, callers over HTTP are told so like of any other part that does not answer.
 */
export function lazyHandler(row: FunctionRow): Handler {
  let made: Promise<Handler> | null = null;
  return async (event, context) => {
    made ??= makeHandler(row);
    let handler: Handler;
    try {
      handler = await made;
    } catch (error) {
      // Not kept: the next invocation tries again.
      made = null;
      if (row.trigger.kind !== 'http') throw error;
      console.error(JSON.stringify({ message: 'function not made', function: row.name, error: String(error) }));
      return problemAnswer(problemOf(error));
    }
    return handler(event, context);
  };
}

const ownersText = z.record(z.string().regex(/^0x[0-9a-f]{40}$/), z.int().min(0));

const addressText = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

/** A number of bytes, ms or blocks. An empty variable is not 0. */
const wholeNumber = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number);

const environment = z.object({
  AWS_REGION: z.string().min(1),
  PLUMBLINE_RPC_URL: z.url(),
  PLUMBLINE_CHAIN_ID: z.coerce.number().int().min(1),
  PLUMBLINE_DISSC: addressText,
  PLUMBLINE_BUCKET: z.string().min(3),
  PLUMBLINE_TABLE: z.string().min(3),
  /** URL of the anchor's FIFO queue; only where the function may wake it. */
  PLUMBLINE_ANCHOR_QUEUE: z.url().optional(),
  /** Address of OCASC; where it is absent, no agreements are served. */
  PLUMBLINE_OCASC: addressText.optional(),
  /** Address of ASC; where it is absent, no consumers are served. */
  PLUMBLINE_ASC: addressText.optional(),
  /** The account that grants of ASC are made out to; where the relayer's key is, that one's. */
  PLUMBLINE_CSS_ACCOUNT: addressText.optional(),
  /** Id or ARN in KMS of the key that records and is repaid (design §10); only where the function records. */
  PLUMBLINE_RELAYER_KEY_ID: z.string().min(1).optional(),
  /** RPC of an IPFS node; only where the function may import into one. */
  PLUMBLINE_IPFS_API: z.url().optional(),
  /** ARN of the secret with the bearer token that the node asks for; absent where it asks for none. */
  PLUMBLINE_IPFS_TOKEN_SECRET: z.string().min(1).optional(),
  /** What Lambda gives to its function: the secret is asked for with them. */
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  /** Instead of AWS's own Secrets Manager, as the clients of AWS read it. */
  AWS_ENDPOINT_URL_SECRETS_MANAGER: z.url().optional(),
  /** JSON: owner's address, lower case, to the stored bytes it may have. */
  PLUMBLINE_OWNERS: z.string(),
  /** A stored batch waits so long for others of its dataset before it is recorded; 0 when absent. */
  PLUMBLINE_RECORD_EVERY_MS: wholeNumber.optional(),
  /** What a recorded batch must earn for a proposed grant to be accepted, in wei; 0 when absent. */
  PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI: z
    .string()
    .regex(/^[0-9]{1,30}$/)
    .optional(),
  /** Stored bytes of any owner with an accepted grant; where it is absent, the owners below alone are served. */
  PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES: wholeNumber.optional(),
  /** The block from which on events of the contracts are looked for; 0 when absent. */
  PLUMBLINE_FROM_BLOCK: wholeNumber.optional(),
  /** Comma-separated host names that requests may be addressed to. */
  PLUMBLINE_AUTHORITIES: z.string().min(1),
});

/**
 * The composition root in Lambda. Nothing is reached for yet but the public key of the relayer and the token of the IPFS
 * node, where there are such.
 * @throws InvalidInputError naming the variable, never its value; StoreUnavailableError when KMS or Secrets Manager do not
 * answer
 */
export async function portsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  observer: Observer,
): Promise<ServicePorts> {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new InvalidInputError(`The environment lacks ${parsed.error.issues[0]?.path.join('.')}, or it is malformed.`);
  }
  const set = parsed.data;
  const region = set.AWS_REGION;
  const chain = { rpcUrl: set.PLUMBLINE_RPC_URL, chainId: set.PLUMBLINE_CHAIN_ID };
  const dissc = address(set.PLUMBLINE_DISSC);
  const owners = readOwners(set.PLUMBLINE_OWNERS);
  const keyId = set.PLUMBLINE_RELAYER_KEY_ID;
  const signer = keyId === undefined ? null : await openRelayer(region, keyId);
  const cssAccount =
    signer?.account ?? (set.PLUMBLINE_CSS_ACCOUNT === undefined ? undefined : address(set.PLUMBLINE_CSS_ACCOUNT));
  const settings: ServiceSettings = {
    ...{ owners, authorities: set.PLUMBLINE_AUTHORITIES.split(',') },
    recordEveryMs: set.PLUMBLINE_RECORD_EVERY_MS ?? 0,
    grants: {
      minPerBatchWei: BigInt(set.PLUMBLINE_GRANTS_MIN_PER_BATCH_WEI ?? DEFAULT_GRANT_POLICY.minPerBatchWei),
      openQuotaBytes: set.PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES ?? DEFAULT_GRANT_POLICY.openQuotaBytes,
    },
    fromBlock: set.PLUMBLINE_FROM_BLOCK ?? 0,
    ...(cssAccount === undefined ? {} : { cssAccount }),
  };
  const client = createDynamoClient({ region, endpoint: null, credentials: null });
  const queueUrl = set.PLUMBLINE_ANCHOR_QUEUE;
  return {
    primitives: nodePrimitives,
    objects: createS3ObjectStore({ region, bucket: set.PLUMBLINE_BUCKET, endpoint: null, credentials: null }),
    table: createDynamoTable({ client, tableName: set.PLUMBLINE_TABLE }),
    ledger: createDisscLedger({ ...chain, dissc }),
    recorder: signer === null ? null : createDisscRecorder({ ...chain, dissc, signer }),
    ...(set.PLUMBLINE_OCASC === undefined
      ? {}
      : { agreements: createOcascLedger({ ...chain, ocasc: address(set.PLUMBLINE_OCASC) }) }),
    ...(set.PLUMBLINE_ASC === undefined
      ? {}
      : { grants: createAscLedger({ ...chain, asc: address(set.PLUMBLINE_ASC) }) }),
    ...(set.PLUMBLINE_ASC === undefined || signer === null
      ? {}
      : { grantRecorder: createAscRecorder({ ...chain, asc: address(set.PLUMBLINE_ASC), signer }) }),
    ...(set.PLUMBLINE_IPFS_API === undefined ? {} : { p2pfs: await openKubo(set, set.PLUMBLINE_IPFS_API) }),
    anchorQueue: queueUrl === undefined ? NO_QUEUE : createSqsAnchorQueue({ region, queueUrl }),
    settings: () => settings,
    nowMs: Date.now,
    runtime: nodeRuntime,
    observer,
  };
}

const NO_QUEUE = {
  wake: () => Promise.reject(new InvalidInputError('This function may not wake the anchor: PLUMBLINE_ANCHOR_QUEUE.')),
};

async function makeHandler(row: FunctionRow): Promise<Handler> {
  const { handlerFor } = await row.load();
  // Loaded in Lambda only: merely importing the tracer hooks into every promise of a process and slows it down.
  const { createPowertoolsObserver } = await import('./observe/powertools-observer.ts');
  return handlerFor(await portsFromEnv(process.env, createPowertoolsObserver(row.name))) as Handler;
}

async function openKubo(set: z.infer<typeof environment>, apiUrl: string): Promise<P2pfs> {
  const secretId = set.PLUMBLINE_IPFS_TOKEN_SECRET;
  if (secretId === undefined) return createKuboP2pfs({ apiUrl });
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = set;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new InvalidInputError('The environment lacks the credentials to read PLUMBLINE_IPFS_TOKEN_SECRET with.');
  }
  const bearerToken = await readSecret({
    ...{ region: set.AWS_REGION, secretId, endpoint: set.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? null },
    credentials: { accessKeyId, secretAccessKey, ...(token === undefined ? {} : { sessionToken: token }) },
  });
  return createKuboP2pfs({ apiUrl, bearerToken });
}

async function openRelayer(region: string, keyId: string): Promise<AccountSigner> {
  // Loaded only where it is used: the others start without it.
  const { createKmsSigner } = await import('../adapters/kms/kms-signer.ts');
  return createKmsSigner({ region, keyId, endpoint: null, credentials: null });
}

function readOwners(text: string): ReadonlyMap<Address, number> {
  try {
    return new Map(Object.entries(ownersText.parse(JSON.parse(text))) as [Address, number][]);
  } catch {
    throw new InvalidInputError('PLUMBLINE_OWNERS is not JSON of lower-case addresses and numbers of bytes.');
  }
}
