import { Signature, Transaction } from 'ethers';
import { fromHex, to0x } from '../../core/bytes.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { SignedTransaction } from '../../core/ports/ledger.ts';
import type { AccountSigner } from './account-signer.ts';
import type { Fees } from './read-fees.ts';

/** geth's txMaxSize: no pool takes a longer one. */
export const MAX_TRANSACTION_BYTES = 131_072;

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

/** Signs a call of a contract: as EIP-1559 has it, or with a gas price (EIP-155) on a chain without base fee. @throws ArgumentError when no node would take it */
export async function signTransaction(
  signer: AccountSigner,
  call: UnsignedCall,
  signal?: AbortSignal,
): Promise<SignedTransaction> {
  const { maxFeePerGasWei, maxPriorityFeePerGasWei, isLegacy = false } = call.fees;
  const transaction = Transaction.from({
    chainId: call.chainId,
    to: call.to,
    data: call.data,
    nonce: call.nonce,
    gasLimit: call.gas,
    value: call.valueWei ?? 0n,
    ...(isLegacy
      ? { type: 0, gasPrice: maxFeePerGasWei }
      : { type: 2, maxFeePerGas: maxFeePerGasWei, maxPriorityFeePerGas: maxPriorityFeePerGasWei }),
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
  return { hash: transaction.hash as string, nonce: call.nonce, raw, maxFeePerGasWei, maxPriorityFeePerGasWei };
}
