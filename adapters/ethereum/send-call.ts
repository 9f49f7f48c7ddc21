import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AccountSigner } from './account-signer.ts';
import { createJsonRpc, type JsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { parseAnswer, quantity } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { readFees, signTransaction } from './sign-transaction.ts';
import { type Caller, type ContractCall, explainRevert, requireContract, tryCall } from './try-call.ts';
import { type Receipt, waitForReceipt } from './wait-for-receipt.ts';

export type SendCall = (call: ContractCall) => Promise<Receipt>;

/** Sends the calls of one account, each of them until it is mined. */
export interface CallSender {
  readonly account: Address;
  readonly rpc: JsonRpc;
  /**
   * Runs what belongs together. Turns of one sender never overlap: neither nonces nor allowances collide.
   * @throws StateError or ArgumentError when a contract refuses, with the error's name as `details.reason`
   * @throws NotRecordedError when a transaction was not mined in time, with its hash as `details.hash`: it may be mined
   * later, or the next one takes its place; look before doing it again
   * @throws LedgerUnavailableError when nothing was sent
   */
  inTurn<T>(run: (send: SendCall) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export interface CallSenderOptions extends JsonRpcOptions {
  readonly signer: AccountSigner;
  /** How long a transaction may take to be mined. */
  readonly waitMs?: number;
}

const DEFAULT_WAIT_MS = 60_000;
/** Another sender of the same account may be faster. */
const ATTEMPTS = 3;
const PENDING_PAUSE_MS = 250;

export function createCallSender(options: CallSenderOptions): CallSender {
  const rpc = createJsonRpc(options);
  const sender: Sender = {
    ...options,
    waitMs: options.waitMs ?? DEFAULT_WAIT_MS,
    rpc,
    found: new Set(),
    unmined: null,
  };
  let last = Promise.resolve();
  return {
    account: options.signer.account,
    rpc,
    inTurn(run, signal) {
      const before = last;
      const turn = settledOrAborted(before, signal).then(() => run((call) => sendCall(sender, call, signal)));
      last = Promise.allSettled([before, turn]).then(() => {});
      return turn;
    },
  };
}

/** One who is aborted leaves the queue at once. */
async function settledOrAborted(before: Promise<void>, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([before, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

interface Sender extends CallSenderOptions {
  readonly waitMs: number;
  readonly rpc: JsonRpc;
  /** Contracts that are there. */
  readonly found: Set<Address>;
  /** What was sent last and not seen mined: the next transaction takes its place. */
  unmined: SignedTransaction | null;
}

async function sendCall(sender: Sender, call: ContractCall, signal?: AbortSignal): Promise<Receipt> {
  const { rpc, signer, waitMs, found } = sender;
  const caller = { rpc, account: signer.account };
  const { contract } = call;
  if (!found.has(contract.at)) await requireContract(rpc, contract, signal);
  found.add(contract.at);
  for (let attempt = 1; ; attempt++) {
    try {
      const transaction = await sign(sender, caller, call, signal);
      await broadcast(sender, transaction, signal);
      const receipt = await waitForReceipt(rpc, transaction.hash, waitMs, signal);
      sender.unmined = null;
      if (!receipt.ok) throw await explainRevert(caller, call, receipt, transaction, signal);
      return receipt;
    } catch (error) {
      if (attempt >= ATTEMPTS || !isNonceTaken(error)) throw error;
    }
  }
}

async function sign(
  sender: Sender,
  caller: Caller,
  call: ContractCall,
  signal?: AbortSignal,
): Promise<SignedTransaction> {
  const { rpc, signer, chainId } = sender;
  const { nonce, replaces } = await findNonce(sender, signal);
  const fees = await readFees(rpc, replaces ?? undefined, signal);
  const gas = await tryCall(caller, call, fees, signal);
  const { contract, valueWei = 0n } = call;
  const unsigned = { chainId, to: contract.at, data: call.data, valueWei, nonce, gas, fees };
  return signTransaction(signer, unsigned, signal);
}

/**
 * The account's next nonce. What others of its transactions do is not known before they are mined, and a call that is sent
 * twice is refused only then: so they are waited for. Our own that got stuck is replaced.
 */
async function findNonce(
  sender: Sender,
  signal?: AbortSignal,
): Promise<{ nonce: number; replaces: SignedTransaction | null }> {
  const { rpc, signer, waitMs } = sender;
  const { account } = signer;
  const until = performance.now() + waitMs;
  for (;;) {
    const [latest, pending] = await readNonces(rpc, account, signal);
    if (sender.unmined !== null && sender.unmined.nonce < latest) sender.unmined = null;
    if (sender.unmined?.nonce === latest) return { nonce: latest, replaces: sender.unmined };
    if (pending <= latest) return { nonce: latest, replaces: null };
    if (performance.now() + PENDING_PAUSE_MS > until) {
      throw new NotRecordedError(
        `${pending - latest} earlier transactions of ${account} were not mined within ${waitMs} ms. Nothing was sent; try again when they are.`,
        { details: { pending: pending - latest } },
      );
    }
    await sleep(PENDING_PAUSE_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function readNonces(rpc: JsonRpc, account: Address, signal?: AbortSignal): Promise<[number, number]> {
  const count = (tag: string) => ({ method: 'eth_getTransactionCount', params: [account, tag] });
  try {
    const answers = await rpc.callMany([count('latest'), count('pending')], signal);
    const [latest, pending] = answers.map((answered) => parseAnswer(quantity, 'eth_getTransactionCount', answered));
    return [latest as number, pending as number];
  } catch (error) {
    throw asUnavailable(error);
  }
}

async function broadcast(sender: Sender, transaction: SignedTransaction, signal?: AbortSignal): Promise<void> {
  const before = sender.unmined;
  sender.unmined = transaction;
  try {
    await sendRawTransaction(sender.rpc, transaction, signal);
  } catch (error) {
    // Without an answer it may have arrived all the same: its receipt tells.
    if (error instanceof LedgerUnavailableError) return;
    if (error instanceof NotRecordedError) sender.unmined = before;
    throw error;
  }
}

/** Nothing was sent then: the node has another transaction by that nonce. */
function isNonceTaken(error: unknown): boolean {
  const refusal = error instanceof NotRecordedError ? error.details.refusal : null;
  return refusal === 'nonce-too-low' || refusal === 'underpriced';
}
