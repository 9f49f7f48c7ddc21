import type { Runtime } from '../../core/ports/runtime.ts';
import type { SentTransaction } from '../../core/ports/sent-transactions.ts';
import type { AccountSender } from './account-sender.ts';
import type { JsonRpc } from './json-rpc.ts';
import { asUnavailable } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { readNonces } from './why-refused.ts';

export interface NextNonce {
  readonly nonce: number;
  /** The transaction that holds this number and is stuck; `unknown` where nothing is kept of it, null where none does. */
  readonly replaces: SentTransaction | 'unknown' | null;
  /** What the node itself says comes next: below it, a number is taken by something that waits. */
  readonly pending: number;
}

const PAUSE_MS = 250;

/**
 * The account's next number. What others of its transactions do is not known before they are mined, and a call that is sent
 * twice is refused only then: so they are waited for. One that gets stuck holds up all that follow it, whoever has sent it,
 * this process or one before: its place is taken.
 * @throws LedgerUnavailableError
 */
export async function findNextNonce(sender: AccountSender, signal?: AbortSignal): Promise<NextNonce> {
  const { rpc, signer, sent, waitMs, replaceAfterMs, onHeldUp, runtime } = sender;
  const startedMs = runtime.monotonicMs();
  let isSaid = false;
  for (;;) {
    const { latest, pending } = await readNonces(rpc, signer.account, signal).catch((error: unknown) => {
      throw asUnavailable(error);
    });
    await sent.forgetBelow(latest);
    const own = (await sent.list()).find(({ nonce }) => nonce === latest) ?? null;
    if (own === null && pending <= latest) return { nonce: latest, replaces: null, pending };
    const waitedMs = runtime.monotonicMs() - startedMs;
    if (own === null) {
      if (waitedMs >= waitMs) return { nonce: latest, replaces: 'unknown', pending };
    } else if (
      waitedMs >= replaceAfterMs ||
      ageMs(runtime, own) >= replaceAfterMs ||
      !(await isThere(rpc, own, signal))
    ) {
      return { nonce: latest, replaces: own, pending };
    }
    if (!isSaid) {
      const held = { account: signer.account, nonce: latest, stuckHash: own?.hash ?? null };
      onHeldUp({ event: 'waiting', ...held, atMostMs: own === null ? waitMs : replaceAfterMs });
      isSaid = true;
    }
    await runtime.sleep(PAUSE_MS, signal);
  }
}

/** By a clock that may have jumped: from the future is as from now. */
function ageMs(runtime: Runtime, { sentAtMs }: SentTransaction): number {
  return Math.max(0, runtime.nowMs() - sentAtMs);
}

/** False for one that was kept and never sent, or that the node has lost. */
async function isThere(rpc: JsonRpc, { hash }: SentTransaction, signal?: AbortSignal): Promise<boolean> {
  try {
    return (await rpc.call('eth_getTransactionByHash', [hash], signal)) !== null;
  } catch (error) {
    if (error instanceof RpcRefusedError) return true;
    throw error;
  }
}
