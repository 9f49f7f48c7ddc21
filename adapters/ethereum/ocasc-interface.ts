import { Interface, type Result } from 'ethers';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { fromHex, to0x } from '../../core/bytes.ts';
import { type AgreementId, address, datasetId } from '../../core/ids.ts';
import { ocascAbi } from './abi/ocasc.ts';

/** OCASC's ABI, parsed once. */
export const ocascInterface = new Interface(ocascAbi);

/** `IOCASC.Terms`. */
export function encodeTerms(terms: Terms): object {
  const { stakeWei, windowSeconds, durationSeconds, acceptBySeconds, ...same } = terms;
  return { ...same, stake: stakeWei, window: windowSeconds, duration: durationSeconds, acceptBy: acceptBySeconds };
}

/** Null for terms whose numbers do not fit a safe integer. */
export function decodeTerms(terms: Result): Terms | null {
  const [first, count] = [Number(terms.first), Number(terms.count)];
  if (!Number.isSafeInteger(first + count)) return null;
  return {
    dataset: datasetId(terms.dataset),
    first,
    count,
    token: address(terms.token),
    price: terms.price,
    fee: terms.fee,
    bond: terms.bond,
    stakeWei: terms.stake,
    maxChallenges: Number(terms.maxChallenges),
    maxDemands: Number(terms.maxDemands),
    samples: Number(terms.samples),
    previews: Number(terms.previews),
    windowSeconds: Number(terms.window),
    durationSeconds: Number(terms.duration),
    acceptBySeconds: terms.acceptBy,
    consumer: address(terms.consumer),
  };
}

export function decodeAgreementId(hex: string): AgreementId {
  return to0x(fromHex(hex, 'agreement id', 32)) as AgreementId;
}

export function decodeEncryptionKey(hex: string): EncryptionPublicKey {
  return fromHex(hex, 'encryption key', 32) as EncryptionPublicKey;
}
