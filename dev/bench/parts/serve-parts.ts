/**
 * The parts that figures are measured on, in a process of their own, so that the service does not share a thread with what
 * measures it. Started by start-parts.ts; ends with it.
 *
 *     node serve-parts.ts real|embedded FOLDER
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { createJsonRpc } from '../../../adapters/ethereum/json-rpc.ts';
import type { Address } from '../../../core/ids.ts';
import { type StackFile, stackFile } from '../../../core/wire/stack-file.ts';
import { admitToStack, DEFAULT_QUOTA_BYTES } from '../../../local/admit-to-stack.ts';
import { fund, keeperOf } from '../../../local/stack/fund.ts';
import { openStackFolder } from '../../../local/stack-folder.ts';
import { startStack } from '../../../local/start-stack.ts';
import { findProgram } from '../../real/programs/find-program.ts';
import { DYNAMODB_LOCAL_CREDENTIALS } from '../../real/start-dynamodb-local.ts';
import { startRealStack } from '../../real/start-real-stack.ts';
import { newKey } from './new-key.ts';

/** What runs, and where. */
export interface PartsAddress {
  readonly stack: StackFile;
  /** RPC of each node of the chain. */
  readonly rpcUrls: readonly string[];
  /** IPFS node that has nothing of its own and knows the operator's; null where there is none. */
  readonly peerIpfsUrl: string | null;
  readonly table: {
    readonly endpoint: string;
    readonly name: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
}

export type PartsOrder = { readonly admit: Address } | { readonly fund: Address };
export type PartsAnswer = { readonly ready: PartsAddress } | { readonly done: true } | { readonly failed: string };

interface Started extends PartsAddress {
  admit(owner: Address): Promise<void>;
  fund(account: Address): Promise<void>;
  stop(): Promise<void>;
}

export const SLOT_MS = 1_000;
const TABLE = 'plumbline';
const GIVEN_WEI = 10n ** 20n;

async function startReal(folder: string): Promise<Started> {
  const programs = {
    ...{ geth: findProgram('geth'), ipfs: findProgram('kubo'), versitygw: findProgram('versitygw') },
    dynamoDbLocal: findProgram('dynamodb-local'),
  };
  const started = await startRealStack({ folder, programs, signer: createKeySigner(newKey()), slotMs: SLOT_MS });
  return {
    stack: started.stack,
    rpcUrls: started.network.nodes.map(({ rpcUrl }) => rpcUrl),
    peerIpfsUrl: started.peer.apiUrl,
    table: { endpoint: started.table.endpoint, name: TABLE, credentials: DYNAMODB_LOCAL_CREDENTIALS },
    admit: (owner) => started.admit(owner),
    fund: (account) => started.fund(account),
    stop: () => started.stop(),
  };
}

async function startEmbedded(folder: string): Promise<Started> {
  const started = await startStack({ folder, blockTimeMs: SLOT_MS });
  const stack = stackFile.parse(JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')));
  const { ports, s3AccessKey, s3SecretKey } = await openStackFolder(folder);
  const credentials = { accessKeyId: s3AccessKey, secretAccessKey: s3SecretKey };
  const rpc = createJsonRpc(keeperOf(stack));
  return {
    stack,
    rpcUrls: [stack.rpcUrl],
    peerIpfsUrl: null,
    table: { endpoint: `http://127.0.0.1:${ports.table}`, name: TABLE, credentials },
    async admit(owner) {
      await admitToStack(stack, owner, DEFAULT_QUOTA_BYTES);
      await fund(rpc, owner, GIVEN_WEI);
    },
    fund: (account) => fund(rpc, account, GIVEN_WEI),
    stop: () => started.stop(),
  };
}

function answer(said: PartsAnswer): void {
  if (process.connected) process.send?.(said);
}

export async function main(kind: string, folder: string): Promise<void> {
  // Whoever started this has ended, however it ended.
  const left = new Promise<void>((resolve) => process.once('disconnect', resolve));
  const started = await (kind === 'real' ? startReal(folder) : startEmbedded(folder));
  const { stack, rpcUrls, peerIpfsUrl, table } = started;
  process.on('message', (order: PartsOrder) => {
    const obeyed = 'admit' in order ? started.admit(order.admit) : started.fund(order.fund);
    obeyed.then(
      () => answer({ done: true }),
      (error: unknown) => answer({ failed: String(error) }),
    );
  });
  answer({ ready: { stack, rpcUrls, peerIpfsUrl, table } });
  await left;
  await started.stop();
}

if (import.meta.main) {
  const [kind, folder] = process.argv.slice(2) as [string, string];
  try {
    await main(kind, folder);
  } catch (error) {
    answer({ failed: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
  }
  process.exit();
}
