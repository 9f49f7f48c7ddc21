import { readChainId } from '../../adapters/ethereum/json-rpc.ts';
import { ArgumentError, ChainAnswerError } from '../../core/errors.ts';

/** The chain that a node is on. @throws ChainAnswerError when it is another than wanted, ArgumentError when the URL is none */
export async function requireChain(rpcUrl: string, wanted: number | undefined, signal: AbortSignal): Promise<number> {
  const url = URL.canParse(rpcUrl) ? new URL(rpcUrl) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ArgumentError('--rpc is not a URL of http or https, such as http://127.0.0.1:8545.');
  }
  const chainId = await readChainId({ rpcUrl }, signal);
  if (wanted === undefined || wanted === chainId) return chainId;
  throw new ChainAnswerError(`The node at ${url.host} is on chain ${chainId}, not on ${wanted}. Give another --rpc.`);
}
