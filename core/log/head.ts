import { u32, u64 } from '../bytes.ts';
import { type Address, type DatasetId, datasetBytes, type LogRoot, type PrivateKey } from '../ids.ts';
import { recoverSigner, signHash, typedDataHash, typeHash, word } from '../typed-data.ts';

/** The state of a dataset's log after some batch. */
export interface Head {
  readonly dataset: DatasetId;
  /** Blocks. */
  readonly size: number;
  readonly batches: number;
  readonly root: LogRoot;
}

/** The contract a head signature is made for. */
export interface HeadDomain {
  readonly chainId: number;
  readonly dissc: Address;
}

const HEAD_TYPE = typeHash('Head(bytes32 dataset,uint64 size,uint32 batches,bytes32 root)');

/** EIP-712 hash of a head: what the device's account signs and DISSC recovers from. */
export function headHash(domain: HeadDomain, head: Head): Uint8Array {
  return typedDataHash(
    { name: 'Plumbline DISSC', chainId: domain.chainId, verifyingContract: domain.dissc },
    HEAD_TYPE,
    [datasetBytes(head.dataset), word(u64(head.size)), word(u32(head.batches)), head.root],
  );
}

/** r ‖ s ‖ v, 65 bytes, low s, v 27 or 28, deterministic (RFC 6979). */
export function signHead(domain: HeadDomain, head: Head, key: PrivateKey): Uint8Array {
  return signHash(headHash(domain, head), key);
}

/**
 * The account that signed a head.
 * @throws ProofError when the signature is malformed, has a high s (a second spelling) or a v other than 27 and 28
 */
export function recoverHeadSigner(domain: HeadDomain, head: Head, signature: Uint8Array): Address {
  return recoverSigner(headHash(domain, head), signature, 'head signature');
}
