import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import { type JsonRpc, RpcRefusedError } from './json-rpc.ts';
import { amount, hash32, parseAnswer, quantity } from './parse-answers.ts';

const block = z.looseObject({
  number: quantity,
  hash: hash32,
  timestamp: quantity,
  baseFeePerGas: amount.optional(),
});

/** A chain point, and what a sender asks of its block. */
export interface PricedPoint extends ChainPoint {
  readonly baseFeePerGasWei: bigint;
}

/**
 * The block at the anchor. Nothing is final before the chain has finalized a block; then the genesis block, which is
 * final by definition, stands for it: all that follows from it is "nothing is final yet", never more.
 */
export async function readChainPoint(rpc: JsonRpc, anchor: Anchor, signal?: AbortSignal): Promise<PricedPoint> {
  const found = await readBlock(rpc, anchor === 'final' ? 'finalized' : 'latest', signal);
  const point = found ?? (anchor === 'final' ? await readBlock(rpc, '0x0', signal) : null);
  if (point === null) throw new LedgerUnavailableError('The node has no blocks yet. Try again in a moment.');
  return point;
}

/** When a block was made, ms since 1970; null when the node does not have it any more. */
export async function readBlockTime(rpc: JsonRpc, blockNumber: number, signal?: AbortSignal): Promise<number | null> {
  return (await readBlock(rpc, `0x${blockNumber.toString(16)}`, signal))?.timestampMs ?? null;
}

async function readBlock(rpc: JsonRpc, tag: string, signal?: AbortSignal): Promise<PricedPoint | null> {
  let answered: unknown;
  try {
    answered = await rpc.call('eth_getBlockByNumber', [tag, false], signal);
  } catch (error) {
    // geth: "finalized block not found" until there is one.
    if (tag === 'finalized' && error instanceof RpcRefusedError && /not found|unknown block/i.test(error.said)) {
      return null;
    }
    throw asUnavailable(error);
  }
  if (answered === null) return null;
  const { number, hash, timestamp, baseFeePerGas } = parseAnswer(block, 'eth_getBlockByNumber', answered);
  return {
    blockNumber: number,
    blockHash: hash.toLowerCase(),
    timestampMs: timestamp * 1000,
    baseFeePerGasWei: baseFeePerGas ?? 0n,
  };
}

/** A read that the node refuses is a chain that cannot be read. */
export function asUnavailable(error: unknown): unknown {
  return error instanceof RpcRefusedError
    ? new LedgerUnavailableError(error.shortMessage, { cause: error, details: error.details })
    : error;
}
