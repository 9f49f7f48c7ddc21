import type { Interface, Result } from 'ethers';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { askLogs } from './ask-logs.ts';
import type { ContractView } from './call-at.ts';
import { createLogRange } from './log-range.ts';

export interface LogQuery {
  readonly event: string;
  /** The event's indexed arguments, in order, 32 bytes of hex each; null for any, a list for any of it. */
  readonly indexed: readonly (string | readonly string[] | null)[];
  readonly fromBlock: number;
  readonly toBlock: number;
}

export interface FoundLog {
  /** The event's arguments, decoded. */
  readonly values: Result;
  readonly txHash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  /** Of the log in its block: an order within one block. */
  readonly logIndex: number;
}

/** How long a range is asked for again while the node answers nothing. */
const PATIENCE_MS = 120_000;

/**
 * A contract's events of one kind, oldest first. A range that is too much for the node, or that holds too many events, is
 * asked for in smaller parts, so that nobody hides an event behind many others.
 * @throws LedgerUnavailableError
 */
export async function findLogs(
  view: ContractView,
  contract: Interface,
  { event, indexed, fromBlock, toBlock }: LogQuery,
  signal?: AbortSignal,
): Promise<FoundLog[]> {
  const filter = { address: view.at, topics: [contract.getEvent(event)?.topicHash, ...indexed] };
  const found: FoundLog[] = [];
  const range = createLogRange();
  for (let from = fromBlock; from <= toBlock; ) {
    const to = Math.min(toBlock, from + range.blocks() - 1);
    const logs = await askLogs(view.rpc, filter, { from, to }, view.patienceMs ?? PATIENCE_MS, signal);
    if (logs === 'too-much') {
      range.refused(to - from + 1);
      continue;
    }
    for (const one of logs) {
      if (one.removed === true) continue;
      found.push({
        values: decode(view, () => contract.decodeEventLog(event, one.data, one.topics)),
        txHash: one.transactionHash.toLowerCase(),
        blockNumber: one.blockNumber,
        blockHash: one.blockHash.toLowerCase(),
        logIndex: one.logIndex,
      });
    }
    range.answered(to - from + 1);
    from = to + 1;
  }
  return found;
}

/** What a contract answered, decoded. @throws LedgerUnavailableError when that contract answers nothing of the kind */
export function decode<T>({ name, at }: ContractView, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof LedgerUnavailableError) throw cause;
    throw new LedgerUnavailableError(`The contract at ${at} is not ${name}. Check the address.`, {
      cause,
    });
  }
}
