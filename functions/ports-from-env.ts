import { z } from 'zod';
import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createDynamoClient } from '../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../adapters/dynamodb/dynamo-table.ts';
import { createDisscLedger } from '../adapters/ethereum/dissc-ledger.ts';
import { createOcascLedger } from '../adapters/ethereum/ocasc-ledger.ts';
import { createKuboP2pfs } from '../adapters/ipfs/kubo-p2pfs.ts';
import { createS3ObjectStore } from '../adapters/s3/s3-object-store.ts';
import { createSqsAnchorQueue } from '../adapters/sqs/sqs-anchor-queue.ts';
import { InvalidInputError } from '../core/errors.ts';
import { type Address, address } from '../core/ids.ts';
import type { Observer } from './observe/observer.ts';
import type { ServicePorts } from './ports.ts';
import type { FunctionRow, Handler } from './table.ts';

/** Lambda's entry to a function: ports and handler are made from the environment at the first invocation. */
export function lazyHandler(row: FunctionRow): Handler {
  let made: Promise<Handler> | null = null;
  return async (event, context) => {
    made ??= makeHandler(row);
    try {
      return await (await made)(event, context);
    } catch (error) {
      // Not kept when it could not be made: the next invocation tries again.
      made.catch(() => {
        made = null;
      });
      throw error;
    }
  };
}

const ownersText = z.record(z.string().regex(/^0x[0-9a-f]{40}$/), z.int().min(0));

const environment = z.object({
  AWS_REGION: z.string().min(1),
  PLUMBLINE_RPC_URL: z.url(),
  PLUMBLINE_CHAIN_ID: z.coerce.number().int().min(1),
  PLUMBLINE_DISSC: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  PLUMBLINE_BUCKET: z.string().min(3),
  PLUMBLINE_TABLE: z.string().min(3),
  /** URL of the anchor's FIFO queue; only where the function may wake it. */
  PLUMBLINE_ANCHOR_QUEUE: z.url().optional(),
  /** Address of OCASC; where it is absent, no agreements are served. */
  PLUMBLINE_OCASC: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .optional(),
  /** RPC of an IPFS node; only where the function may import into one. */
  PLUMBLINE_IPFS_API: z.url().optional(),
  /** JSON: owner's address, lower case, to the stored bytes it may have. */
  PLUMBLINE_OWNERS: z.string(),
  /** Comma-separated host names that requests may be addressed to. */
  PLUMBLINE_AUTHORITIES: z.string().min(1),
});

/** The composition root in Lambda. @throws InvalidInputError naming the variable, never its value */
export function portsFromEnv(env: Readonly<Record<string, string | undefined>>, observer: Observer): ServicePorts {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new InvalidInputError(`The environment lacks ${parsed.error.issues[0]?.path.join('.')}, or it is malformed.`);
  }
  const set = parsed.data;
  const region = set.AWS_REGION;
  const settings = { owners: readOwners(set.PLUMBLINE_OWNERS), authorities: set.PLUMBLINE_AUTHORITIES.split(',') };
  const client = createDynamoClient({ region, endpoint: null, credentials: null });
  const queueUrl = set.PLUMBLINE_ANCHOR_QUEUE;
  return {
    primitives: nodePrimitives,
    objects: createS3ObjectStore({ region, bucket: set.PLUMBLINE_BUCKET, endpoint: null, credentials: null }),
    table: createDynamoTable({ client, tableName: set.PLUMBLINE_TABLE }),
    ledger: createDisscLedger({
      rpcUrl: set.PLUMBLINE_RPC_URL,
      chainId: set.PLUMBLINE_CHAIN_ID,
      dissc: address(set.PLUMBLINE_DISSC),
    }),
    // The relayer's key lives in KMS in a deployment; that signer comes with it.
    recorder: null,
    ...(set.PLUMBLINE_OCASC === undefined
      ? {}
      : {
          agreements: createOcascLedger({
            ...{ rpcUrl: set.PLUMBLINE_RPC_URL, chainId: set.PLUMBLINE_CHAIN_ID, ocasc: address(set.PLUMBLINE_OCASC) },
          }),
        }),
    ...(set.PLUMBLINE_IPFS_API === undefined ? {} : { p2pfs: createKuboP2pfs({ apiUrl: set.PLUMBLINE_IPFS_API }) }),
    anchorQueue: queueUrl === undefined ? NO_QUEUE : createSqsAnchorQueue({ region, queueUrl }),
    settings: () => settings,
    nowMs: Date.now,
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
  return handlerFor(portsFromEnv(process.env, createPowertoolsObserver(row.name))) as Handler;
}

function readOwners(text: string): ReadonlyMap<Address, number> {
  try {
    return new Map(Object.entries(ownersText.parse(JSON.parse(text))) as [Address, number][]);
  } catch {
    throw new InvalidInputError('PLUMBLINE_OWNERS is not JSON of lower-case addresses and numbers of bytes.');
  }
}
