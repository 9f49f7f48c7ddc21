import { type Address, type AgreementId, agreementBytes, type PrivateKey } from '../ids.ts';
import { recoverSigner, signHash, typedDataHash, typeHash, uintWord } from '../typed-data.ts';
import { type AgreementDomain, typedDomain } from './terms.ts';

/** The consumer's word that so much is owed in all; each one takes the place of those before (specification#ocasc). */
export interface Voucher {
  readonly agreement: AgreementId;
  /** Units of the agreement's token, fee included. */
  readonly due: bigint;
}

const VOUCHER_TYPE = typeHash('Voucher(bytes32 agreement,uint128 due)');

/**
 * EIP-712 hash of a voucher: what the consumer's signer signs and `OCASC.claim` recovers from.
 * @throws ArgumentError when the amount does not fit 256 bits
 */
export function voucherHash(domain: AgreementDomain, voucher: Voucher): Uint8Array {
  return typedDataHash(typedDomain(domain), VOUCHER_TYPE, [
    agreementBytes(voucher.agreement),
    uintWord(voucher.due, 128),
  ]);
}

/**
 * r ‖ s ‖ v, 65 bytes, low s, v 27 or 28.
 * @throws ArgumentError as `voucherHash`
 */
export function signVoucher(domain: AgreementDomain, voucher: Voucher, key: PrivateKey): Uint8Array {
  return signHash(voucherHash(domain, voucher), key);
}

/** The account that signed a voucher. @throws ProofError when the signature has not the one form that OCASC takes */
export function recoverVoucherSigner(domain: AgreementDomain, voucher: Voucher, signature: Uint8Array): Address {
  return recoverSigner(voucherHash(domain, voucher), signature, 'voucher signature');
}
