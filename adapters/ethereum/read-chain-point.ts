import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Anchor, ChainPoint } from '../../core/ports/ledger.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

const block = z.looseObject({
  number: quantity,
  hash: hash32,
  timestamp: quantity,
  baseFeePerGas: amount.nullish(),
});

/** A chain point, and what a sender asks of its block. */
export interface PricedPoint extends ChainPoint {
  /** Null on a chain without base fee, where transactions name one gas price. */
  readonly baseFeePerGasWei: bigint | null;
}

/**
 * A chain that finalizes has done so long before this block. Until it has, nothing is final; behind it, the node cannot say
 * what is.
 */
const FINALIZES_WITHIN_BLOCKS = 1_024;

/**
 * The block at the anchor. What is final the node says itself, or the depth does that its user has set. Nothing is final
 * before the chain has finalized a block; then the genesis block, which is final by definition, stands for it: all that
 * follows from it is "nothing is final yet", never more.
 * @throws LedgerUnavailableError also where the node has no `finalized` block, however it says so, and no depth is set
 */
export async function readChainPoint(rpc: JsonRpc, anchor: Anchor, signal?: AbortSignal): Promise<PricedPoint> {
  if (anchor === 'final' && rpc.finalDepth === null) {
    const finalized = await findFinalized(rpc, signal);
    if (finalized !== null) return finalized;
  }
  const latest = await readBlock(rpc, 'latest', signal);
  if (latest === null) throw new LedgerUnavailableError('The node has no blocks yet. Try again in a moment.');
  if (anchor === 'latest') return latest;
  if (rpc.finalDepth === null && latest.blockNumber > FINALIZES_WITHIN_BLOCKS) throw withoutFinality(rpc, latest);
  const number = rpc.finalDepth === null ? 0 : Math.max(0, latest.blockNumber - rpc.finalDepth);
  const final = await readBlock(rpc, toQuantity(number), signal);
  if (final === null) throw new LedgerUnavailableError(`The node at ${rpc.host} does not have block ${number}.`);
  return final;
}

/** When a block was made, ms since 1970; null when the node does not have it any more. */
export async function readBlockTime(rpc: JsonRpc, blockNumber: number, signal?: AbortSignal): Promise<number | null> {
  return (await readBlock(rpc, toQuantity(blockNumber), signal))?.timestampMs ?? null;
}

/** When many blocks were made, ms since 1970: those that the node has. */
export async function readBlockTimes(
  rpc: JsonRpc,
  blockNumbers: readonly number[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const requests = blockNumbers.map((number) => ({
    method: 'eth_getBlockByNumber',
    params: [toQuantity(number), false],
  }));
  try {
    const answers = requests.length === 0 ? [] : await rpc.callMany(requests, signal);
    return new Map(
      answers.flatMap((answered, i): [number, number][] => {
        const found = parseBlock(answered);
        return found === null ? [] : [[blockNumbers[i] as number, found.timestampMs]];
      }),
    );
  } catch (error) {
    throw asUnavailable(error);
  }
}

/** When blocks were made, ms since 1970, by their hashes, asked for together; null for one that the node does not have any more. */
export async function readBlockTimesByHash(
  rpc: JsonRpc,
  hashes: readonly string[],
  signal?: AbortSignal,
): Promise<(number | null)[]> {
  try {
    const requests = hashes.map((hash) => ({ method: 'eth_getBlockByHash', params: [hash, false] }));
    return (await rpc.callMany(requests, signal)).map((answered) => parseBlock(answered)?.timestampMs ?? null);
  } catch (error) {
    throw asUnavailable(error);
  }
}

/** Null where there is none, yet or at all: nodes say so by null, or refuse, each in words of its own. */
async function findFinalized(rpc: JsonRpc, signal?: AbortSignal): Promise<PricedPoint | null> {
  try {
    return parseBlock(await rpc.call('eth_getBlockByNumber', ['finalized', false], signal));
  } catch (error) {
    if (error instanceof RpcRefusedError) return null;
    throw error;
  }
}

function withoutFinality({ host }: JsonRpc, { blockNumber }: ChainPoint): LedgerUnavailableError {
  return new LedgerUnavailableError(
    `The node at ${host} is at block ${blockNumber} but has no finalized block, so nothing counts as final. If the chain has none by design (Besu QBFT, Clique), say how deep a final block lies: set finalDepth beside rpcUrl. Otherwise the node is still syncing; wait, or use another.`,
    { details: { host, blockNumber } },
  );
}

/** A block by number or tag; null where the node has none. */
export async function readBlock(rpc: JsonRpc, tag: string, signal?: AbortSignal): Promise<PricedPoint | null> {
  try {
    return parseBlock(await rpc.call('eth_getBlockByNumber', [tag, false], signal));
  } catch (error) {
    throw asUnavailable(error);
  }
}

export function parseBlock(answered: unknown): PricedPoint | null {
  if (answered === null) return null;
  const { number, hash, timestamp, baseFeePerGas } = parseAnswer(block, 'eth_getBlockByNumber', answered);
  return {
    blockNumber: number,
    blockHash: hash.toLowerCase(),
    timestampMs: timestamp * 1000,
    baseFeePerGasWei: baseFeePerGas ?? null,
  };
}

/** A read that the node refuses is a chain that cannot be read. */
export function asUnavailable(error: unknown): unknown {
  return error instanceof RpcRefusedError
    ? new LedgerUnavailableError(error.shortMessage, { cause: error, details: error.details })
    : error;
}
