import { NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { type AccountSender, type AccountSenderOptions, openAccountSender } from './account-sender.ts';
import type { JsonRpc } from './json-rpc.ts';
import { findNextNonce } from './next-nonce.ts';
import { readFees } from './read-fees.ts';
import { sendAtNonce } from './send-at-nonce.ts';
import { type ContractCall, explainRevert, requireContract, tryCall } from './try-call.ts';
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
  /**
   * Waits until nothing is under way that this account has sent, by this process or another; what is stuck, the next call takes the
   * place of. For whoever looks first what is left to be sent.
   * @throws LedgerUnavailableError
   */
  settle(signal?: AbortSignal): Promise<void>;
}

export type CallSenderOptions = AccountSenderOptions;

/** Another sender of the same account may be faster. */
const ATTEMPTS = 3;

export function createCallSender(options: CallSenderOptions): CallSender {
  const sender: Sender = { ...openAccountSender(options), found: new Set() };
  const { rpc } = sender;
  let last = Promise.resolve();
  const inTurn: CallSender['inTurn'] = (run, signal) => {
    const before = last;
    const turn = settledOrAborted(before, signal).then(() => run((call) => sendCall(sender, call, signal)));
    last = Promise.allSettled([before, turn]).then(() => {});
    return turn;
  };
  return {
    account: options.signer.account,
    rpc,
    inTurn,
    settle: (signal) => inTurn(async () => void (await findNextNonce(sender, signal)), signal),
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

interface Sender extends AccountSender {
  /** Contracts that are there. */
  readonly found: Set<Address>;
}

async function sendCall(sender: Sender, call: ContractCall, signal?: AbortSignal): Promise<Receipt> {
  const { rpc, signer, waitMs, found, sent, runtime } = sender;
  const caller = { rpc, account: signer.account };
  const { contract, data, valueWei = 0n } = call;
  if (!found.has(contract.at)) await requireContract(rpc, contract, signal);
  found.add(contract.at);
  for (let attempt = 1; ; attempt++) {
    try {
      const next = await findNextNonce(sender, signal);
      const replaced = next.replaces === 'unknown' ? null : next.replaces;
      const fees = await readFees(rpc, replaced ?? undefined, signal);
      const gas = await tryCall({ ...caller, replaces: next.replaces !== null }, call, fees, signal);
      const transaction = await sendAtNonce(sender, { to: contract.at, data, valueWei, gas }, next, fees, signal);
      const receipt = await waitForReceipt(rpc, transaction.hash, waitMs, signal, runtime);
      await sent.forgetBelow(transaction.nonce + 1);
      if (!receipt.ok) throw await explainRevert(caller, call, receipt, fees, signal);
      return receipt;
    } catch (error) {
      if (attempt >= ATTEMPTS || !isNonceTaken(error)) throw error;
    }
  }
}

/** Nothing was sent then: the node has another transaction by that nonce. */
function isNonceTaken(error: unknown): boolean {
  const refusal = error instanceof NotRecordedError ? error.details.refusal : null;
  return refusal === 'nonce-too-low' || refusal === 'underpriced';
}
