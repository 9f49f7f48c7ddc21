import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { parseAnswer, quantity } from '../../adapters/ethereum/parse-answers.ts';

const LOOK_EVERY_MS = 100;
/** A block is final when so many follow it (one slot an epoch). */
export const BLOCKS_UNTIL_FINAL = 2;

/**
 * Mines on a chain that mines nothing by itself: what is pending, at most one block in `blockTimeMs`, then the blocks that
 * make it final, then nothing. An idle chain neither grows nor costs anything. What becomes final is two block times old,
 * so that with a second or more the chain's state file, written every second, already has it: a chain that is killed
 * and started again never takes back what was final.
 */
export function startMining(rpc: JsonRpc, blockTimeMs: number): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = mine(rpc, blockTimeMs, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const poolStatus = z.looseObject({ pending: quantity });

async function mine(rpc: JsonRpc, blockTimeMs: number, signal: AbortSignal): Promise<void> {
  // After a restart nothing says whether the last blocks were followed by others. Until that is known, none are mined.
  let missing: number | null = null;
  let minedAtMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      if (performance.now() - minedAtMs >= blockTimeMs) {
        const { pending } = parseAnswer(poolStatus, 'txpool_status', await rpc.call('txpool_status', [], signal));
        missing ??= (await rpc.call('eth_blockNumber', [], signal)) === '0x0' ? 0 : BLOCKS_UNTIL_FINAL;
        if (pending > 0) missing = BLOCKS_UNTIL_FINAL + 1;
        if (missing > 0) {
          minedAtMs = performance.now();
          await rpc.call('evm_mine', [], signal);
          missing--;
        }
      }
      await sleep(Math.min(LOOK_EVERY_MS, blockTimeMs), undefined, { signal });
    } catch {
      // Stopped, or the chain has gone: its process's end tells that. Look again, not at once.
      await sleep(LOOK_EVERY_MS);
    }
  }
}
