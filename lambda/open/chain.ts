import type { OtherNode } from '../../adapters/ethereum/json-rpc.ts';
import { readSecret } from '../../adapters/secrets/read-secret.ts';
import { StateError } from '../../core/errors.ts';
import type { Environment } from '../environment.ts';

/** A function's own time is short: a node that has had too many requests is not waited for longer. */
const PATIENCE_MS = 5_000;
const MOST_NODES = 16;

/** The nodes that every contract is asked through. */
export interface Chain {
  readonly rpcUrl: string;
  readonly moreRpcUrls: readonly string[];
  readonly chainId: number;
  readonly finalDepth: number | undefined;
  readonly patienceMs: number;
  readonly onOtherNode: (other: OtherNode) => void;
}

/**
 * The chain by its nodes in order of preference, whose addresses are in a secret, as they may hold keys of their hosts.
 * @throws StateError when the secret names no nodes; StoreUnavailableError when Secrets Manager does not answer
 */
export async function chainOf(env: Environment): Promise<Chain> {
  const chainId = Number(env.whole('PLUMBLINE_CHAIN_ID'));
  const finalDepth = env.optional('PLUMBLINE_FINAL_DEPTH', env.whole);
  const [rpcUrl, ...moreRpcUrls] = await env.once('nodes', () => readNodes(env));
  return {
    ...{ rpcUrl: rpcUrl as string, moreRpcUrls, chainId, patienceMs: PATIENCE_MS },
    finalDepth: finalDepth === null ? undefined : Number(finalDepth),
    // cdk/alarms.ts counts these lines.
    onOtherNode: ({ host, failure }) => env.observer.warn('another node of the chain was asked', { host, failure }),
  };
}

async function readNodes(env: Environment): Promise<readonly string[]> {
  const secretId = env.text('PLUMBLINE_RPC_SECRET');
  const versionId = env.optional('PLUMBLINE_RPC_SECRET_VERSION', env.text);
  const { region, secretsEndpoint: endpoint, credentials } = env.lambda;
  const secret = await readSecret({ region, secretId, versionId, endpoint, credentials: credentials() });
  const urls = secret.split(/[\s,]+/).filter((part) => part !== '');
  if (urls.length >= 1 && urls.length <= MOST_NODES && urls.every(isHttpUrl)) return urls;
  throw new StateError(
    `The secret that PLUMBLINE_RPC_SECRET names does not hold 1 to ${MOST_NODES} URLs of http or https. Put the addresses of nodes into it, in order of preference, with commas or line breaks between, and nothing else.`,
  );
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
