import * as z from 'zod';
import { NotRecordedError } from '../../core/errors.ts';
import type { MinedTransaction } from '../../core/ports/mined-transaction.ts';
import { nodeRuntime } from '../runtime/node-runtime.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, data, hash32, parseAnswer, quantity } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { readBlock } from './read-chain-point.ts';

export interface Receipt extends MinedTransaction {
  /** False when it was reverted. */
  readonly ok: boolean;
  readonly logs: readonly { readonly address: string; readonly topics: readonly string[]; readonly data: string }[];
}

const receiptAnswer = z.looseObject({
  // Null where the transaction still waits: some nodes answer then, too.
  blockNumber: quantity.nullable(),
  status: quantity,
  gasUsed: amount,
  effectiveGasPrice: amount.nullish(),
  logs: z.array(z.looseObject({ address: z.string(), topics: z.array(hash32).max(4), data })),
});

/**
 * Asks for a receipt until there is one; a node that cannot be reached meanwhile is asked again.
 * @throws NotRecordedError with `details.hash` when the transaction was not seen mined in time; it may still be
 */
export async function waitForReceipt(
  rpc: JsonRpc,
  hash: string,
  waitMs: number,
  signal?: AbortSignal,
  runtime = nodeRuntime,
): Promise<Receipt> {
  const until = runtime.monotonicMs() + waitMs;
  for (let pauseMs = 25; ; pauseMs = Math.min(2 * pauseMs, 1000)) {
    let cause: unknown;
    try {
      const receipt = await readReceipt(rpc, hash, signal);
      if (receipt !== null) return receipt;
    } catch (error) {
      signal?.throwIfAborted();
      cause = error;
    }
    if (runtime.monotonicMs() + pauseMs > until) {
      throw new NotRecordedError(
        `Transaction ${hash} was not mined within ${waitMs} ms. It may be mined later, so check before you send it again.`,
        { details: { hash }, cause },
      );
    }
    await runtime.sleep(pauseMs, signal);
  }
}

/** What is told of a receipt. */
export function asMined({ txHash, blockNumber, gasUsed, feeWei }: Receipt): MinedTransaction {
  return { txHash, blockNumber, gasUsed, feeWei };
}

async function readReceipt(rpc: JsonRpc, hash: string, signal?: AbortSignal): Promise<Receipt | null> {
  const answered = await rpc.call('eth_getTransactionReceipt', [hash], signal);
  if (answered === null) return null;
  const receipt = parseAnswer(receiptAnswer, 'eth_getTransactionReceipt', answered);
  const { blockNumber, status, gasUsed, effectiveGasPrice, logs } = receipt;
  if (blockNumber === null) return null;
  const priceWei = effectiveGasPrice ?? (await readPaidPrice(rpc, hash, blockNumber, signal));
  return { txHash: hash, blockNumber, gasUsed, feeWei: gasUsed * priceWei, ok: status === 1, logs };
}

const paidTransaction = z.looseObject({
  gasPrice: amount.nullish(),
  maxFeePerGas: amount.nullish(),
  maxPriorityFeePerGas: amount.nullish(),
});

/** What a mined transaction paid a gas, of a node whose receipts do not say it: as EIP-1559 reckons, at most. */
async function readPaidPrice(rpc: JsonRpc, hash: string, blockNumber: number, signal?: AbortSignal): Promise<bigint> {
  const answered = await rpc.call('eth_getTransactionByHash', [hash], signal);
  const paid = parseAnswer(paidTransaction, 'eth_getTransactionByHash', answered);
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = paid;
  const block = await readBlock(rpc, toQuantity(blockNumber), signal);
  const baseFeeWei = block?.baseFeePerGasWei ?? null;
  if (baseFeeWei === null || maxFeePerGas == null) return gasPrice ?? maxFeePerGas ?? 0n;
  const askedWei = baseFeeWei + (maxPriorityFeePerGas ?? 0n);
  return askedWei < maxFeePerGas ? askedWei : maxFeePerGas;
}
