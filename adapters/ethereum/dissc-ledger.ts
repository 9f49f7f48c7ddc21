import type { Result } from 'ethers';
import { z } from 'zod';
import { fromHex } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address, bytes32, type DatasetId, type LogRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Ledger, LinkReader, Parties } from '../../core/ports/ledger.ts';
import { callAt } from './call-at.ts';
import { disscInterface } from './dissc-interface.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { data, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';

export interface DisscLedgerOptions extends JsonRpcOptions {
  readonly dissc: Address;
}

// A head reads up to 33 slots of 2,100 gas; nodes cap a call at 50 million.
const HEADS_PER_CALL = 200;
// Public nodes refuse longer ranges of logs.
const BLOCKS_PER_LOG_QUERY = 10_000;
const MAX_LOGS_PER_QUERY = 10_000;

const log = z.looseObject({
  topics: z.array(hash32).length(3),
  data,
  transactionHash: hash32,
  blockNumber: quantity,
  removed: z.boolean().optional(),
});

/** DISSC read through one Ethereum node; all answers of one call belong to one block, named by its hash. */
export function createDisscLedger(options: DisscLedgerOptions): Ledger & LinkReader {
  const rpc = createJsonRpc(options);
  const { chainId, dissc } = options;
  const view = { rpc, dissc };
  return {
    domain: { chainId, dissc },

    async readHeads(datasets, anchor, signal) {
      const calls: string[] = [];
      for (let i = 0; i < datasets.length; i += HEADS_PER_CALL) {
        calls.push(disscInterface.encodeFunctionData('heads', [datasets.slice(i, i + HEADS_PER_CALL)]));
      }
      const { point, results } = await callAt({ rpc, name: 'DISSC', at: dissc }, calls, anchor, signal);
      const heads = results.flatMap((result, call) => {
        const asked = datasets.slice(call * HEADS_PER_CALL, (call + 1) * HEADS_PER_CALL);
        return result === null ? asked.map(emptyHead) : decodeHeads(asked, result);
      });
      return { point, heads };
    },

    async readParties(datasets, anchor, signal) {
      const calls = datasets.map((dataset) => disscInterface.encodeFunctionData('parties', [dataset]));
      const { point, results } = await callAt({ rpc, name: 'DISSC', at: dissc }, calls, anchor, signal);
      return { point, parties: results.map((result) => (result === null ? null : decodeParties(result))) };
    },

    async findRecorded(dataset, fromBlock, toBlock, signal) {
      const logs = await findLogs(view, 'Recorded', { dataset, fromBlock, toBlock }, signal);
      return logs.map(({ values: [, signer, size, batches, root], ...place }) => ({
        dataset,
        signer: address(signer),
        size: Number(size),
        batches: Number(batches),
        root: bytes32<LogRoot>(fromHex(root, 'root', 32), 'root'),
        ...place,
      }));
    },

    async findLinked(dataset, fromBlock, toBlock, signal) {
      const logs = await findLogs(view, 'ObjectsLinked', { dataset, fromBlock, toBlock }, signal);
      return logs.map(({ values: [, first, count, objects], ...place }) => ({
        first: Number(first),
        count: Number(count),
        objects: fromHex(objects, 'linked objects'),
        ...place,
      }));
    },
  };
}

interface View {
  readonly rpc: JsonRpc;
  readonly dissc: Address;
}

interface LogRange {
  readonly dataset: DatasetId;
  readonly fromBlock: number;
  readonly toBlock: number;
}

interface FoundLog {
  /** The event's arguments, decoded. */
  readonly values: Result;
  readonly txHash: string;
  readonly blockNumber: number;
}

/** A dataset's events of one kind, oldest first. */
async function findLogs(
  view: View,
  event: 'Recorded' | 'ObjectsLinked',
  { dataset, fromBlock, toBlock }: LogRange,
  signal?: AbortSignal,
): Promise<FoundLog[]> {
  const found: FoundLog[] = [];
  for (let from = fromBlock; from <= toBlock; from += BLOCKS_PER_LOG_QUERY) {
    const range = { dataset, fromBlock: from, toBlock: Math.min(toBlock, from + BLOCKS_PER_LOG_QUERY - 1) };
    found.push(...(await findLogsBetween(view, event, range, signal)));
  }
  return found;
}

async function findLogsBetween(
  { rpc, dissc }: View,
  event: 'Recorded' | 'ObjectsLinked',
  { dataset, fromBlock, toBlock }: LogRange,
  signal?: AbortSignal,
): Promise<FoundLog[]> {
  const filter = {
    address: dissc,
    topics: [disscInterface.getEvent(event)?.topicHash, dataset],
    fromBlock: `0x${fromBlock.toString(16)}`,
    toBlock: `0x${toBlock.toString(16)}`,
  };
  let answered: unknown;
  try {
    answered = await rpc.call('eth_getLogs', [filter], signal);
  } catch (error) {
    throw asUnavailable(error);
  }
  const logs = parseAnswer(z.array(log).max(MAX_LOGS_PER_QUERY), 'eth_getLogs', answered);
  return logs
    .filter((one) => one.removed !== true)
    .map((one) => ({
      values: decode(() => disscInterface.decodeEventLog(event, one.data, one.topics)),
      txHash: one.transactionHash.toLowerCase(),
      blockNumber: one.blockNumber,
    }));
}

function decodeHeads(datasets: readonly DatasetId[], result: string): Head[] {
  const [states] = decode(() => disscInterface.decodeFunctionResult('heads', result));
  if (states.length !== datasets.length) throw new LedgerUnavailableError('The node answered another number of heads.');
  return datasets.map((dataset, i) => {
    const [size, batches, root] = states[i];
    return { dataset, size: Number(size), batches: Number(batches), root: fromHex(root, 'root', 32) as LogRoot };
  });
}

function decodeParties(result: string): Parties | null {
  const [owner, device] = decode(() => disscInterface.decodeFunctionResult('parties', result));
  return BigInt(owner) === 0n ? null : { owner: address(owner), device: address(device) };
}

function decode<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new LedgerUnavailableError('What answers at the address of DISSC is not DISSC. Check the address.', {
      cause,
    });
  }
}

function emptyHead(dataset: DatasetId): Head {
  return { dataset, size: 0, batches: 0, root: new Uint8Array(32) as LogRoot };
}
