import type { Interface, Result } from 'ethers';
import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { ContractView } from './call-at.ts';
import { AnswerTooLongError, RpcRefusedError } from './json-rpc.ts';
import { data, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';

export interface LogQuery {
  readonly event: string;
  /** The event's indexed arguments, in order, 32 bytes of hex each; null for any. */
  readonly indexed: readonly (string | null)[];
  readonly fromBlock: number;
  readonly toBlock: number;
}

export interface FoundLog {
  /** The event's arguments, decoded. */
  readonly values: Result;
  readonly txHash: string;
  readonly blockNumber: number;
  /** Of the log in its block: an order within one block. */
  readonly logIndex: number;
}

// Public nodes refuse longer ranges of logs, or ranges with more logs; some refuse much shorter ones.
const BLOCKS_PER_LOG_QUERY = 10_000;
const MAX_LOGS_PER_QUERY = 10_000;

const logsAnswer = z.array(
  z.looseObject({
    topics: z.array(hash32).min(1).max(4),
    data,
    transactionHash: hash32,
    blockNumber: quantity,
    logIndex: quantity,
    removed: z.boolean().optional(),
  }),
);

/**
 * A contract's events of one kind, oldest first. A range that the node refuses, or that holds too many events, is asked for in
 * smaller parts, so that nobody hides an event behind many of his own.
 * @throws LedgerUnavailableError
 */
export async function findLogs(
  view: ContractView,
  contract: Interface,
  { event, indexed, fromBlock, toBlock }: LogQuery,
  signal?: AbortSignal,
): Promise<FoundLog[]> {
  const topics = [contract.getEvent(event)?.topicHash, ...indexed];
  const found: FoundLog[] = [];
  let blocks = BLOCKS_PER_LOG_QUERY;
  for (let from = fromBlock; from <= toBlock; ) {
    const to = Math.min(toBlock, from + blocks - 1);
    const filter = { address: view.at, topics, fromBlock: hex(from), toBlock: hex(to) };
    let logs: z.output<typeof logsAnswer>;
    try {
      logs = parseAnswer(logsAnswer, 'eth_getLogs', await view.rpc.call('eth_getLogs', [filter], signal));
      if (logs.length > MAX_LOGS_PER_QUERY)
        throw new AnswerTooLongError(`Blocks ${from} to ${to} hold more than ${MAX_LOGS_PER_QUERY} events.`);
    } catch (error) {
      const smallerMayDo = error instanceof RpcRefusedError || error instanceof AnswerTooLongError;
      if (!smallerMayDo || from === to) throw asUnavailable(error);
      blocks = Math.ceil((to - from + 1) / 2);
      continue;
    }
    for (const one of logs) {
      if (one.removed === true) continue;
      found.push({
        values: decode(view, () => contract.decodeEventLog(event, one.data, one.topics)),
        txHash: one.transactionHash.toLowerCase(),
        blockNumber: one.blockNumber,
        logIndex: one.logIndex,
      });
    }
    from = to + 1;
    // A dense spot lies behind.
    blocks = Math.min(2 * blocks, BLOCKS_PER_LOG_QUERY);
  }
  return found;
}

/** What a contract answered, decoded. @throws LedgerUnavailableError when that contract answers nothing of the kind */
export function decode<T>({ name, at }: ContractView, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof LedgerUnavailableError) throw cause;
    throw new LedgerUnavailableError(
      `What answers at ${at}, the address of ${name}, is not ${name}. Check the address.`,
      {
        cause,
      },
    );
  }
}

function hex(blockNumber: number): string {
  return `0x${blockNumber.toString(16)}`;
}
