import { Signature, Transaction } from 'ethers';
import { fromHex, to0x } from '../../core/bytes.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AccountSigner } from './account-signer.ts';
import type { JsonRpc } from './json-rpc.ts';
import { amount, parseAnswer } from './parse-answers.ts';
import { asUnavailable, readChainPoint } from './read-chain-point.ts';

/** geth's txMaxSize: no pool takes a longer one. */
export const MAX_TRANSACTION_BYTES = 131_072;
// Builders leave out transactions with a smaller tip.
const LEAST_TIP_WEI = 1_000_000n;

export interface Fees {
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

export interface UnsignedCall {
  readonly chainId: number;
  readonly to: Address | null;
  readonly data: string;
  /** Nothing when not given. */
  readonly valueWei?: bigint;
  readonly nonce: number;
  readonly gas: bigint;
  readonly fees: Fees;
}

/** EIP-1559 fees that stay good for several blocks of rising base fee; in place of another transaction, high enough. */
export async function readFees(rpc: JsonRpc, replaces: Fees | undefined, signal?: AbortSignal): Promise<Fees> {
  const { baseFeePerGasWei } = await readChainPoint(rpc, 'latest', signal);
  let tip: bigint;
  try {
    const answered = await rpc.call('eth_maxPriorityFeePerGas', [], signal);
    tip = parseAnswer(amount, 'eth_maxPriorityFeePerGas', answered);
  } catch (error) {
    throw asUnavailable(error);
  }
  if (tip < LEAST_TIP_WEI) tip = LEAST_TIP_WEI;
  if (replaces !== undefined) tip = larger(tip, raised(replaces.maxPriorityFeePerGasWei));
  let maxFee = 2n * baseFeePerGasWei + tip;
  if (replaces !== undefined) maxFee = larger(maxFee, raised(replaces.maxFeePerGasWei));
  return { maxFeePerGasWei: maxFee, maxPriorityFeePerGasWei: tip };
}

/** Signs a call of a contract as an EIP-1559 transaction. @throws ArgumentError when no node would take it */
export async function signTransaction(
  signer: AccountSigner,
  call: UnsignedCall,
  signal?: AbortSignal,
): Promise<SignedTransaction> {
  const transaction = Transaction.from({
    type: 2,
    chainId: call.chainId,
    to: call.to,
    data: call.data,
    nonce: call.nonce,
    gasLimit: call.gas,
    maxFeePerGas: call.fees.maxFeePerGasWei,
    maxPriorityFeePerGas: call.fees.maxPriorityFeePerGasWei,
    value: call.valueWei ?? 0n,
  });
  const { r, s, yParity } = await signer.signHash(fromHex(transaction.unsignedHash, 'hash', 32), signal);
  transaction.signature = Signature.from({ r: to0x(r), s: to0x(s), yParity });
  const raw = transaction.serialized;
  const sizeBytes = (raw.length - 2) / 2;
  if (sizeBytes > MAX_TRANSACTION_BYTES) {
    throw new ArgumentError(
      `The transaction has ${sizeBytes} bytes; at most ${MAX_TRANSACTION_BYTES} fit. Send fewer updates at a time.`,
    );
  }
  return { hash: transaction.hash as string, nonce: call.nonce, raw, ...call.fees };
}

/** Nodes replace a transaction only for 10 % more of both fees; an eighth leaves no doubt about rounding. */
function raised(wei: bigint): bigint {
  return wei + wei / 8n + 1n;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
