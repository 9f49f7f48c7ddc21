import * as z from 'zod';
import { equalBytes, fromHex, to0x } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { Address, RoundBody, RoundRoot } from '../../core/ids.ts';
import type { RoundCall, RoundReader, RoundRecorder, RoundScanner } from '../../core/ports/rounds.ts';
import type { AnchoredRound } from '../../core/rounds/rebuild-rounds.ts';
import type { AccountSigner } from './account-signer.ts';
import { callAt } from './call-at.ts';
import { decodeRound } from './decode-state.ts';
import { disscInterface } from './dissc-interface.ts';
import { decode, type FoundLog, findLogs } from './find-logs.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { amount, data, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { asUnavailable, readBlockTimesByHash } from './read-chain-point.ts';
import { readFees } from './read-fees.ts';
import { signTransaction } from './sign-transaction.ts';

export interface DisscRoundsOptions extends JsonRpcOptions {
  readonly dissc: Address;
}

const receiptAnswer = z.looseObject({
  blockNumber: quantity,
  logs: z.array(z.looseObject({ address: z.string(), topics: z.array(hash32), data })),
});

/** DISSC's rounds, read through one Ethereum node. */
export function createDisscRounds(options: DisscRoundsOptions): RoundReader & RoundScanner {
  const rpc = createJsonRpc(options);
  const view = { rpc, name: 'DISSC', at: options.dissc, patienceMs: options.patienceMs };
  const findEvents = (anchorer: Address, fromBlock: number, toBlock: number, signal?: AbortSignal) => {
    const indexed = [`0x${anchorer.slice(2).padStart(64, '0')}`];
    return findLogs(view, disscInterface, { event: 'RoundAnchored', indexed, fromBlock, toBlock }, signal);
  };
  const blockTimes = createBlockTimes(rpc);
  return {
    async readRound(anchorer, anchor, signal) {
      const call = disscInterface.encodeFunctionData('round', [anchorer]);
      const { point, results } = await callAt(view, [call], anchor, signal);
      const [result = null] = results;
      if (result === null) return { point, round: null };
      return { point, round: decode(view, () => decodeRound(result)) };
    },

    async findRounds(anchorer, fromBlock, toBlock, signal) {
      const logs = await findEvents(anchorer, fromBlock, toBlock, signal);
      const times = await blockTimes(logs, signal);
      return logs.map(({ values, blockNumber, blockHash, txHash }) => ({
        ...anchoredOf(values),
        body: fromHex(values.body, 'body', 32) as RoundBody,
        timeSeconds: times.get(blockHash) as number,
        ...{ blockNumber, txHash },
      }));
    },

    async findAnchored(anchorer, fromBlock, toBlock, signal) {
      const logs = await findEvents(anchorer, fromBlock, toBlock, signal);
      return logs.map(({ values, blockNumber }) => ({ ...anchoredOf(values), blockNumber }));
    },

    async findBlock({ anchorer, root, txHash }, signal) {
      const topics = [disscInterface.getEvent('RoundAnchored')?.topicHash, `0x${anchorer.slice(2).padStart(64, '0')}`];
      let answered: unknown;
      try {
        answered = await rpc.call('eth_getTransactionReceipt', [txHash], signal);
      } catch (error) {
        throw asUnavailable(error);
      }
      if (answered === null) return null;
      const { blockNumber, logs } = parseAnswer(receiptAnswer, 'eth_getTransactionReceipt', answered);
      // The round is the event's first word.
      const isOf = (log: (typeof logs)[number]) =>
        log.address.toLowerCase() === view.at &&
        log.topics[0] === topics[0] &&
        log.topics[1] === topics[1] &&
        log.data.slice(0, 66).toLowerCase() === to0x(root);
      return logs.some(isOf) ? blockNumber : null;
    },
  };
}

function anchoredOf(values: FoundLog['values']): AnchoredRound {
  return {
    round: fromHex(values.round, 'round', 32) as RoundRoot,
    previous: fromHex(values.previous, 'previous round', 32) as RoundRoot,
  };
}

const MOST_TIMES = 1_000;

/**
 * Seconds since 1970 of the blocks that logs are in, by their hashes: asked for together, those once known not again.
 * @throws LedgerUnavailableError when the node has logs of a block that it does not have
 */
function createBlockTimes(rpc: JsonRpc) {
  const known = new Map<string, number>();
  return async (logs: readonly FoundLog[], signal?: AbortSignal): Promise<ReadonlyMap<string, number>> => {
    const unknown = [...new Set(logs.map(({ blockHash }) => blockHash))].filter((hash) => !known.has(hash));
    const read = await readBlockTimesByHash(rpc, unknown, signal);
    for (const [i, hash] of unknown.entries()) {
      const timeMs = read[i] ?? null;
      if (timeMs === null) {
        throw new LedgerUnavailableError(`The node has a round of block ${hash}, but not that block. Try again.`);
      }
      known.set(hash, timeMs / 1000);
    }
    const times = new Map(logs.map(({ blockHash }) => [blockHash, known.get(blockHash) as number]));
    for (const hash of known.keys()) {
      if (known.size <= MOST_TIMES) break;
      known.delete(hash);
    }
    return times;
  };
}

export interface DisscRoundRecorderOptions extends DisscRoundsOptions {
  readonly signer: AccountSigner;
}

/** DISSC's `anchor`, paid by one account, through one Ethereum node. */
export function createDisscRoundRecorder(options: DisscRoundRecorderOptions): RoundRecorder {
  const { chainId, dissc, signer } = options;
  const rpc = createJsonRpc(options);
  const rounds = createDisscRounds(options);
  const { account } = signer;
  return {
    account,

    async simulateRound(call, signal) {
      // By the chain's state, not by what a node says of a refusal.
      const { round } = await rounds.readRound(account, 'latest', signal);
      if (!equalBytes(round ?? new Uint8Array(32), call.previous)) return null;
      try {
        const request = { from: account, to: dissc, data: encodeRound(call) };
        const estimated = await rpc.call('eth_estimateGas', [request, 'latest'], signal);
        return { gas: parseAnswer(amount, 'eth_estimateGas', estimated) };
      } catch (error) {
        throw asUnavailable(error);
      }
    },

    async prepareRound(call, { nonce, gas, replaces }, signal) {
      const fees = await readFees(rpc, replaces, signal);
      return signTransaction(signer, { chainId, to: dissc, data: encodeRound(call), nonce, gas, fees }, signal);
    },
  };
}

function encodeRound({ previous, body }: RoundCall): string {
  return disscInterface.encodeFunctionData('anchor', [to0x(previous), to0x(body)]);
}
