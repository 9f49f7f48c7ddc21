import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { parseAnswer, quantity } from '../../adapters/ethereum/parse-answers.ts';

export interface MiningOptions {
  readonly rpc: JsonRpc;
  readonly blockTimeMs: number;
  /** Writes the chain down; called behind every block that holds something, before another one follows. */
  readonly keep: () => Promise<void>;
  /** How many requests to send something the chain has answered. */
  readonly sendings: () => number;
}

const LOOK_EVERY_MS = 100;
/** Where nothing was sent: the chain itself may have put something back. */
const LOOK_ANYWAY_MS = 2_000;
/** A block is final when so many follow it (one slot an epoch). */
export const BLOCKS_UNTIL_FINAL = 2;

/**
 * Mines on a chain that mines nothing by itself: what is pending, at most one block in `blockTimeMs`, then the blocks that
 * make it final, then nothing. An idle chain neither grows nor costs anything. A block with transactions is on the disk
 * before the next one follows it: a chain that is killed and started again never takes back what was final.
 */
export function startMining(options: MiningOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = mine(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const poolStatus = z.looseObject({ pending: quantity });
const newestBlock = z.looseObject({ transactions: z.array(z.unknown()) });

async function mine({ rpc, blockTimeMs, keep, sendings }: MiningOptions, signal: AbortSignal): Promise<void> {
  let toFollow = 0;
  let sendingsSeen = -1;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let unkept = false;
  let minedAtMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      if (unkept) await keep();
      unkept = false;
      const nowMs = performance.now();
      const mayPend = sendings() !== sendingsSeen || toFollow > 0 || nowMs - lookedAtMs >= LOOK_ANYWAY_MS;
      if (mayPend && nowMs - minedAtMs >= blockTimeMs) {
        const seen = sendings();
        const { pending } = parseAnswer(poolStatus, 'txpool_status', await rpc.call('txpool_status', [], signal));
        // Until nothing is left, it is looked at each time.
        if (pending === 0) [sendingsSeen, lookedAtMs] = [seen, nowMs];
        if (pending > 0 || toFollow > 0) {
          minedAtMs = performance.now();
          // Until the new block was looked at: should the answer be lost, nothing is.
          unkept = true;
          await rpc.call('evm_mine', [], signal);
          // What came in between is in it, too.
          unkept = await holdsSomething(rpc, signal);
          toFollow = unkept ? BLOCKS_UNTIL_FINAL : Math.max(0, toFollow - 1);
        }
      }
      if (!unkept) await sleep(Math.min(LOOK_EVERY_MS, blockTimeMs), undefined, { signal });
    } catch {
      // Stopped, or the chain has gone: its process's end tells that. Look again, not at once.
      if (!signal.aborted) await sleep(LOOK_EVERY_MS);
    }
  }
}

async function holdsSomething(rpc: JsonRpc, signal: AbortSignal): Promise<boolean> {
  const newest = await rpc.call('eth_getBlockByNumber', ['latest', false], signal);
  return parseAnswer(newestBlock, 'eth_getBlockByNumber', newest).transactions.length > 0;
}
