import type { Runtime } from '../../core/ports/runtime.ts';
import type { HeldUp, SentTransactions } from '../../core/ports/sent-transactions.ts';
import { nodeRuntime } from '../runtime/node-runtime.ts';
import type { AccountSigner } from './account-signer.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { createMemorySentTransactions } from './memory-sent-transactions.ts';

export interface AccountSenderOptions extends JsonRpcOptions {
  readonly signer: AccountSigner;
  /** How long a transaction may take to be mined, and how long one that nobody here has kept is waited for. */
  readonly waitMs?: number;
  /** After how long one that was kept is replaced. */
  readonly replaceAfterMs?: number;
  /** Where what was sent is kept; in this process alone when not given. */
  readonly sent?: SentTransactions | undefined;
  /** Told of each earlier transaction that is waited for, and of each whose place another one has taken. */
  readonly onHeldUp?: ((heldUp: HeldUp) => void) | undefined;
  /** What it waits by; this machine's clocks when not given. */
  readonly runtime?: Runtime | undefined;
}

/** One account that sends, with what it has sent before. */
export interface AccountSender {
  readonly rpc: JsonRpc;
  readonly chainId: number;
  readonly signer: AccountSigner;
  readonly waitMs: number;
  readonly replaceAfterMs: number;
  readonly sent: SentTransactions;
  readonly onHeldUp: (heldUp: HeldUp) => void;
  readonly runtime: Runtime;
}

const DEFAULT_WAIT_MS = 60_000;
const DEFAULT_REPLACE_AFTER_MS = 30_000;

export function openAccountSender(options: AccountSenderOptions): AccountSender {
  const { chainId, signer, waitMs = DEFAULT_WAIT_MS, sent, onHeldUp } = options;
  return {
    ...{ rpc: createJsonRpc(options), chainId, signer, waitMs },
    replaceAfterMs: options.replaceAfterMs ?? Math.min(DEFAULT_REPLACE_AFTER_MS, waitMs),
    sent: sent ?? createMemorySentTransactions(),
    onHeldUp: onHeldUp ?? (() => {}),
    runtime: options.runtime ?? nodeRuntime,
  };
}
