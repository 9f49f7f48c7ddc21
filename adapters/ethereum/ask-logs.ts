import * as z from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { JsonRpc } from './json-rpc.ts';
import { data, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { AnswerTooLongError, NodeTimeoutError } from './post-request.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';

/** What logs are wanted, but for the range. */
export interface LogFilter {
  readonly address: string;
  readonly topics: readonly (string | readonly string[] | null | undefined)[];
}

const logsAnswer = z.array(
  z.looseObject({
    topics: z.array(hash32).min(1).max(4),
    data,
    transactionHash: hash32,
    blockNumber: quantity,
    blockHash: hash32,
    logIndex: quantity,
    removed: z.boolean().optional(),
  }),
);
export type RawLog = z.output<typeof logsAnswer>[number];

/** Public nodes refuse longer ranges of logs, or ranges with more logs; some refuse much shorter ones. */
export const MAX_RANGE_BLOCKS = 10_000;
const MAX_LOGS_PER_QUERY = 10_000;

/** What was found in a range, or that a smaller one has to be asked for. */
export type AskedLogs = readonly RawLog[] | 'too-much';

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 2_000;

/**
 * The logs of one range. What a refusal means is found by asking for one block alone: where the node answers that, the range
 * was too much for it; where it does not, it answers nothing now (it has had enough for the moment, or is in trouble), and
 * the same range is asked again after a pause, for as long as `patienceMs` says. Of a single block there is no smaller part.
 * @throws LedgerUnavailableError
 */
export async function askLogs(
  rpc: JsonRpc,
  filter: LogFilter,
  { from, to }: { readonly from: number; readonly to: number },
  patienceMs: number,
  signal?: AbortSignal,
): Promise<AskedLogs> {
  const startedMs = rpc.clock.monotonicMs();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await ask(rpc, filter, from, to, signal);
    } catch (error) {
      if (error instanceof AnswerTooLongError && from < to) return 'too-much';
      if (!mayPass(error)) throw error;
      if (from < to && (await answersOneBlock(rpc, filter, to, signal))) return 'too-much';
      const waitedMs = rpc.clock.monotonicMs() - startedMs;
      if (waitedMs + pauseMs > patienceMs) throw givenUp(error, from, to, waitedMs);
    }
    await rpc.clock.sleep(pauseMs, signal);
  }
}

async function answersOneBlock(rpc: JsonRpc, filter: LogFilter, block: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await ask(rpc, filter, block, block, signal);
    return true;
  } catch (error) {
    // More than is read in one block is an answer, too.
    if (error instanceof AnswerTooLongError) return true;
    if (mayPass(error)) return false;
    throw error;
  }
}

/** A refusal, and an answer that takes too long: both may be another time, or for less. */
function mayPass(error: unknown): error is RpcRefusedError | NodeTimeoutError {
  return error instanceof RpcRefusedError || error instanceof NodeTimeoutError;
}

async function ask(
  rpc: JsonRpc,
  filter: LogFilter,
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<readonly RawLog[]> {
  const range = { ...filter, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
  const answered = await rpc.call('eth_getLogs', [range], signal);
  // Nodes of some chains answer null for none.
  const logs = parseAnswer(logsAnswer, 'eth_getLogs', answered ?? []);
  if (logs.length <= MAX_LOGS_PER_QUERY) return logs;
  throw new AnswerTooLongError(`Blocks ${from} to ${to} hold more than ${MAX_LOGS_PER_QUERY} events.`);
}

function givenUp(cause: RpcRefusedError | NodeTimeoutError, from: number, to: number, waitedMs: number): Error {
  const error = asUnavailable(cause) as LedgerUnavailableError;
  return new LedgerUnavailableError(
    `The node did not return the events of blocks ${from} to ${to} within ${Math.round(waitedMs / 1000)} s. ${error.shortMessage} Try again later, or use another node.`,
    { cause, details: error.details },
  );
}
