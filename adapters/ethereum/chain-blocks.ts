import { to0x } from '../../core/bytes.ts';
import type { ChainBlocks } from '../../core/ports/chain-blocks.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable, parseBlock } from './read-chain-point.ts';

/** Blocks as one Ethereum node has them. */
export function createChainBlocks(options: JsonRpcOptions): ChainBlocks {
  const rpc = createJsonRpc(options);
  return {
    async readBlocks(names, signal) {
      const requests = names.map((name) =>
        typeof name === 'number'
          ? { method: 'eth_getBlockByNumber', params: [toQuantity(name), false] }
          : { method: 'eth_getBlockByHash', params: [to0x(name), false] },
      );
      try {
        return (await rpc.callMany(requests, signal)).map((answered) => {
          const block = parseBlock(answered);
          if (block === null) return null;
          const { blockNumber, blockHash, timestampMs } = block;
          return { blockNumber, blockHash, timestampMs };
        });
      } catch (error) {
        throw asUnavailable(error);
      }
    },
  };
}
