/** Design §4, line by line. */
import { createCipheriv, hkdfSync } from 'node:crypto';
import { concat, hex, hmac, keccak256, sha256, u8, u32, u64, u256, unhex, utf8, xor } from './bytes.ts';
import { treeHash } from './merkle.ts';

export const ZERO32 = new Uint8Array(32);
export const CHUNK = 1024;
export const MIB = 1_048_576;

export function chunksOf(block: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < block.length; at += CHUNK) chunks.push(block.slice(at, at + CHUNK));
  return chunks;
}

export const chunkRoot = (block: Uint8Array): Uint8Array => treeHash(chunksOf(block));

export function digest(dataset: Uint8Array, index: bigint, block: Uint8Array, meta: Uint8Array): Uint8Array {
  const opened = concat(u32(block.length), sha256(block), chunkRoot(block), sha256(meta));
  return sha256(concat(u8(0x02), dataset, u64(index), opened));
}

export interface SealedBatch {
  salt: Uint8Array;
  blockKeys: Uint8Array[];
  sealed: Uint8Array[];
  commitments: Uint8Array[];
}

export function seal(datasetKey: Uint8Array, first: bigint, digests: Uint8Array[]): SealedBatch {
  const salt = hmac(datasetKey, concat(u8(0x10), u64(first), u32(digests.length), treeHash(digests)));
  const batchKey = hmac(datasetKey, concat(u8(0x11), salt));
  const blockKeys = digests.map((_, i) => hmac(batchKey, concat(u8(0x12), u64(first + BigInt(i)))));
  const sealed = digests.map((d, i) => xor(d, sha256(concat(u8(0x13), blockKeys[i]!))));
  const commitments = blockKeys.map((key) => sha256(concat(u8(0x14), key)));
  return { salt, blockKeys, sealed, commitments };
}

export const contentBatchKey = (datasetKey: Uint8Array, nonce: Uint8Array): Uint8Array =>
  hmac(datasetKey, concat(u8(0x20), nonce));
export const contentKey = (batchKey: Uint8Array, index: bigint): Uint8Array =>
  hmac(batchKey, concat(u8(0x21), u64(index)));
export const contentCommitment = (batchKey: Uint8Array): Uint8Array => sha256(concat(u8(0x22), batchKey));
export const contentAad = (dataset: Uint8Array, index: bigint): Uint8Array => concat(dataset, u64(index));

export function encryptContent(key: Uint8Array, dataset: Uint8Array, index: bigint, content: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, new Uint8Array(12));
  cipher.setAAD(contentAad(dataset, index));
  return concat(cipher.update(content), cipher.final(), cipher.getAuthTag());
}

export function batchRoot(commitment: Uint8Array, sealed: Uint8Array[], commitments: Uint8Array[]): Uint8Array {
  const leaves = sealed.map((s, i) => concat(s, commitments[i]!));
  return sha256(concat(u8(0x03), commitment, treeHash(leaves)));
}

export interface Batch {
  dataset: Uint8Array;
  first: bigint;
  count: number;
  salt: Uint8Array;
  batchRoot: Uint8Array;
  sealedHash: Uint8Array;
}

export const sealedHash = (sealed: Uint8Array[]): Uint8Array => keccak256(concat(...sealed));
export const batchLeaf = (b: Batch): Uint8Array =>
  concat(b.dataset, u64(b.first), u32(b.count), b.salt, b.batchRoot, b.sealedHash);

export interface Domain {
  chainId: number;
  verifyingContract: string;
}

export interface Head {
  dataset: Uint8Array;
  size: bigint;
  batches: number;
  root: Uint8Array;
}

/** The EIP-712 hash by hand; heads.ts holds it against ethers'. */
export function headHash(domain: Domain, head: Head): Uint8Array {
  const domainType = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
  const separator = keccak256(
    concat(
      keccak256(utf8(domainType)),
      keccak256(utf8('Plumbline DISSC')),
      keccak256(utf8('1')),
      u256(BigInt(domain.chainId)),
      u256(BigInt(domain.verifyingContract)),
    ),
  );
  const headType = 'Head(bytes32 dataset,uint64 size,uint32 batches,bytes32 root)';
  const struct = keccak256(
    concat(keccak256(utf8(headType)), head.dataset, u256(head.size), u256(BigInt(head.batches)), head.root),
  );
  return keccak256(concat(u8(0x19), u8(0x01), separator, struct));
}

/** keccak256(abi.encode(uint256, address, address, bytes32)): four words. */
export function datasetId(chainId: number, dissc: string, owner: string, name: Uint8Array): Uint8Array {
  return keccak256(concat(u256(BigInt(chainId)), u256(BigInt(dissc)), u256(BigInt(owner)), name));
}

export const datasetsKey = (bip39Seed: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', bip39Seed, new Uint8Array(), utf8('plumbline/1/datasets'), 32));

export const datasetKey = (bip39Seed: Uint8Array, dataset: Uint8Array): Uint8Array =>
  hmac(datasetsKey(bip39Seed), concat(u8(0x30), dataset));

/** `<dataset>/<first, 16 decimal digits>/<sha256 of the CAR>.car` */
export function objectKey(dataset: Uint8Array, first: bigint, carBytes: Uint8Array): string {
  return `${hex(dataset).slice(2)}/${first.toString().padStart(16, '0')}/${hex(sha256(carBytes)).slice(2)}.car`;
}

/** The chain, contract and mnemonic that the vectors pretend. */
export const DOMAIN: Domain = { chainId: 31337, verifyingContract: '0x5fbdb2315678afecb367f032d93f642f64180aa3' };
export const MNEMONIC = 'test test test test test test test test test test test junk';
export const name32 = (text: string): Uint8Array => unhex(`0x${Buffer.from(text).toString('hex').padEnd(64, '0')}`);
