import { equalBytes, u8, u32, u64 } from '../bytes.ts';
import { type DisscDomain, disscTypedDataDomain } from '../dissc-domain.ts';
import { ArgumentError, ProofError } from '../errors.ts';
import { type Address, bytes32, type DatasetId, NO_ACCOUNT, type PrivateKey } from '../ids.ts';
import { addressWord, recoverSigner, signHash, typedDataHash, typeHash, word } from '../typed-data.ts';
import { deriveDatasetId } from './dataset-id.ts';
import { type DatasetKind, isDatasetKind } from './kind.ts';

/** The owner's word on who writes a dataset, and who anchors it (specification#charter). */
export interface Charter {
  readonly owner: Address;
  /** 32 bytes (charter/dataset-name.ts). */
  readonly name: Uint8Array;
  readonly kind: DatasetKind;
  readonly device: Address;
  /** The zero address when the dataset is recorded directly only. */
  readonly anchorer: Address;
  /** The second since 1970 in which it was signed, or one more than the owner's last. */
  readonly serial: number;
  /** The block from which this device writes. */
  readonly from: number;
}

/** A charter as it travels. Without a signature only the chain's word counts: a contract account cannot sign. */
export interface SignedCharter extends Charter {
  /** r ‖ s ‖ v, 65 bytes. */
  readonly signature: Uint8Array | null;
}

const CHARTER_TYPE = typeHash(
  'Charter(bytes32 name,uint8 kind,address device,address anchorer,uint32 serial,uint64 from)',
);

/**
 * EIP-712 hash of a charter: what the owner signs. It does not contain the owner, because the signature names the owner.
 * @throws ArgumentError when a field is out of bounds
 */
export function charterHash(domain: DisscDomain, charter: Charter): Uint8Array {
  requireCharter(charter);
  return typedDataHash(disscTypedDataDomain(domain), CHARTER_TYPE, [
    charter.name,
    word(u8(charter.kind)),
    addressWord(charter.device),
    addressWord(charter.anchorer),
    word(u32(charter.serial)),
    word(u64(charter.from)),
  ]);
}

/** r ‖ s ‖ v, 65 bytes, low s, v 27 or 28, deterministic (RFC 6979). @throws ArgumentError as `charterHash` */
export function signCharter(domain: DisscDomain, charter: Charter, ownerKey: PrivateKey): Uint8Array {
  return signHash(charterHash(domain, charter), ownerKey);
}

/** @throws ProofError unless the charter's owner has signed it */
export function requireCharterSignature(domain: DisscDomain, charter: SignedCharter): void {
  if (charter.signature === null) {
    throw new ProofError(
      `Charter ${charter.serial} has no signature. Only the chain can show that it comes from the owner.`,
    );
  }
  const signer = recoverSigner(charterHash(domain, charter), charter.signature, 'charter signature');
  if (signer !== charter.owner) {
    throw new ProofError(`Charter ${charter.serial} names owner ${charter.owner}, but ${signer} signed it.`);
  }
}

/**
 * The dataset that a charter is about: its id follows from owner, name and kind.
 * @throws ArgumentError for an owner, name or kind that no dataset has
 */
export function datasetOfCharter(domain: DisscDomain, { owner, name, kind }: Charter): DatasetId {
  return deriveDatasetId(domain, owner, name, kind);
}

/** Whether two charters say the same. Signatures do not count. */
export function isSameCharter(one: Charter, other: Charter): boolean {
  return (
    one.owner === other.owner &&
    equalBytes(one.name, other.name) &&
    one.kind === other.kind &&
    one.device === other.device &&
    one.anchorer === other.anchorer &&
    one.serial === other.serial &&
    one.from === other.from
  );
}

/** The anchorer that a charter names, or null when the dataset is recorded directly only. */
export function anchorerOf({ anchorer }: Charter): Address | null {
  return anchorer === NO_ACCOUNT ? null : anchorer;
}

/**
 * The serial of a new charter: this second, or one more than the owner's last if that is higher.
 * @throws ArgumentError when the clock is beyond 2106, where serials end
 */
export function nextSerial(nowSeconds: number, lastSerial: number | null): number {
  const serial = Math.max(nowSeconds, (lastSerial ?? 0) + 1);
  u32(serial);
  return serial;
}

/** @throws ArgumentError when DISSC or a reader would refuse the charter */
export function requireCharter(charter: Charter): void {
  bytes32(charter.name, 'dataset name');
  if (!isDatasetKind(charter.kind))
    throw new ArgumentError(`The charter's kind is ${charter.kind}; it must be 0 to 2.`);
  if (charter.owner === NO_ACCOUNT) throw new ArgumentError('The charter names the zero address as its owner.');
  if (charter.device === NO_ACCOUNT) throw new ArgumentError('The charter names the zero address as its device.');
  u32(charter.serial);
  u64(charter.from);
  if (charter.serial === 0) throw new ArgumentError("The charter's serial is 0; it must be at least 1.");
}
