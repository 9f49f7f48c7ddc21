import { u64 } from '../bytes.ts';
import { type DisscDomain, disscTypedDataDomain } from '../dissc-domain.ts';
import { ArgumentError } from '../errors.ts';
import { type Address, bytes32, type DatasetId, datasetBytes, type LogRoot, type PrivateKey } from '../ids.ts';
import { recoverSigner, signHash, typedDataHash, typeHash, word } from '../typed-data.ts';
import { requireLogSize } from './subtrees.ts';

/** The state of a dataset's log after some block. */
export interface Head {
  readonly dataset: DatasetId;
  /** Blocks, up to 2^48. */
  readonly size: number;
  /** MTH over the records of all blocks; 32 zero bytes when size is 0. */
  readonly root: LogRoot;
}

/** A head under its writer's word. */
export interface SignedHead extends Head {
  /** Of the device that signed it: that of the first charter that names it. */
  readonly serial: number;
  /** r ‖ s ‖ v, 65 bytes. */
  readonly signature: Uint8Array;
}

const HEAD_TYPE = typeHash('Head(bytes32 dataset,uint64 size,bytes32 root)');

/**
 * EIP-712 hash of a head: what the device's account signs and DISSC recovers from (specification#head).
 * @throws ArgumentError when no log can have this size
 */
export function headHash(domain: DisscDomain, head: Head): Uint8Array {
  requireLogSize(head.size);
  return typedDataHash(disscTypedDataDomain(domain), HEAD_TYPE, [
    datasetBytes(head.dataset),
    word(u64(head.size)),
    bytes32(head.root, 'log root'),
  ]);
}

/**
 * r ‖ s ‖ v, 65 bytes, low s, v 27 or 28, deterministic (RFC 6979).
 * @throws ArgumentError for the empty head, which nobody signs
 */
export function signHead(domain: DisscDomain, head: Head, key: PrivateKey): Uint8Array {
  if (head.size === 0) throw new ArgumentError('The head of an empty log is not signed. Seal a batch first.');
  return signHash(headHash(domain, head), key);
}

/**
 * The account that signed a head.
 * @throws ProofError when the signature is malformed, has a high s (a second spelling) or a v other than 27 and 28
 */
export function recoverHeadSigner(domain: DisscDomain, head: Head, signature: Uint8Array): Address {
  return recoverSigner(headHash(domain, head), signature, 'head signature');
}
