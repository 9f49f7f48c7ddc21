import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { LedgerUnavailableError } from '../../core/errors.ts';
import type { JsonRpc } from './json-rpc.ts';
import { parseAnswer, quantity } from './parse-answers.ts';

const receiptAnswer = z.looseObject({ blockNumber: quantity, status: z.enum(['0x0', '0x1']) });

/**
 * Asks for a receipt until there is one.
 * @throws LedgerUnavailableError when the transaction was not mined in time; it may still be
 */
export async function waitForReceipt(
  rpc: JsonRpc,
  hash: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<{ blockNumber: number; ok: boolean }> {
  const until = performance.now() + waitMs;
  for (let pauseMs = 25; ; pauseMs = Math.min(2 * pauseMs, 1000)) {
    const answered = await rpc.call('eth_getTransactionReceipt', [hash], signal);
    if (answered !== null) {
      const { blockNumber, status } = parseAnswer(receiptAnswer, 'eth_getTransactionReceipt', answered);
      return { blockNumber, ok: status === '0x1' };
    }
    if (performance.now() + pauseMs > until) {
      throw new LedgerUnavailableError(
        `Transaction ${hash} was not mined within ${waitMs} ms. It may be mined later; look before sending it again.`,
        { details: { hash } },
      );
    }
    await sleep(pauseMs, undefined, { signal: signal as AbortSignal, ref: true });
  }
}
