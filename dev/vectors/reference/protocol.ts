/** specification#formats, line by line. */
import { createCipheriv, hkdfSync } from 'node:crypto';
import { concat, hex, hmac, keccak256, sha256, u8, u32, u64, u256, unhex, utf8, xor } from './bytes.ts';
import { treeHash } from './merkle.ts';

export const ZERO32 = new Uint8Array(32);
export const ZERO20 = new Uint8Array(20);
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

export const auditKey = (datasetKey: Uint8Array): Uint8Array => hmac(datasetKey, u8(0x01));
export const readKey = (datasetKey: Uint8Array): Uint8Array => hmac(datasetKey, u8(0x02));

export interface Sealing {
  salt: Uint8Array;
  blockKeys: Uint8Array[];
  sealed: Uint8Array[];
  commitments: Uint8Array[];
}

export function seal(audit: Uint8Array, first: bigint, digests: Uint8Array[]): Sealing {
  const salt = hmac(audit, concat(u8(0x10), u64(first), u32(digests.length), treeHash(digests)));
  const batchKey = hmac(audit, concat(u8(0x11), salt));
  const blockKeys = digests.map((_, i) => hmac(batchKey, concat(u8(0x12), u64(first + BigInt(i)))));
  const sealed = digests.map((d, i) => xor(d, sha256(concat(u8(0x13), blockKeys[i]!))));
  const commitments = blockKeys.map((key) => sha256(concat(u8(0x14), key)));
  return { salt, blockKeys, sealed, commitments };
}

export function nonce(read: Uint8Array, random16: Uint8Array, first: bigint, contents: Uint8Array[]): Uint8Array {
  return hmac(read, concat(u8(0x23), random16, u64(first), treeHash(contents))).slice(0, 16);
}

export const contentBatchKey = (read: Uint8Array, nonce16: Uint8Array): Uint8Array =>
  hmac(read, concat(u8(0x20), nonce16));
export const contentKey = (batchKey: Uint8Array, index: bigint): Uint8Array =>
  hmac(batchKey, concat(u8(0x21), u64(index)));
export const contentCommitment = (key: Uint8Array | null): Uint8Array => (key ? sha256(concat(u8(0x22), key)) : ZERO32);
export const contentAad = (dataset: Uint8Array, index: bigint): Uint8Array => concat(dataset, u64(index));

export function encryptContent(key: Uint8Array, dataset: Uint8Array, index: bigint, content: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, new Uint8Array(12));
  cipher.setAAD(contentAad(dataset, index));
  return concat(cipher.update(content), cipher.final(), cipher.getAuthTag());
}

export interface Domain {
  chainId: number;
  verifyingContract: string;
}

export interface Head {
  dataset: Uint8Array;
  size: bigint;
  root: Uint8Array;
}

export interface Charter {
  owner: Uint8Array;
  name: Uint8Array;
  kind: number;
  device: Uint8Array;
  anchorer: Uint8Array;
  serial: number;
  from: bigint;
}

/** The EIP-712 hash by hand; heads.ts and charters.ts hold it against ethers'. */
function typedHash(domain: Domain, type: string, members: Uint8Array[]): Uint8Array {
  const domainType = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
  const separator = keccak256(
    concat(
      keccak256(utf8(domainType)),
      keccak256(utf8('Plumbline DISSC')),
      keccak256(utf8('2')),
      u256(BigInt(domain.chainId)),
      u256(BigInt(domain.verifyingContract)),
    ),
  );
  return keccak256(concat(u8(0x19), u8(0x01), separator, keccak256(concat(keccak256(utf8(type)), ...members))));
}

export const headHash = (domain: Domain, head: Head): Uint8Array =>
  typedHash(domain, 'Head(bytes32 dataset,uint64 size,bytes32 root)', [head.dataset, u256(head.size), head.root]);

export const charterHash = (domain: Domain, c: Charter): Uint8Array =>
  typedHash(domain, 'Charter(bytes32 name,uint8 kind,address device,address anchorer,uint32 serial,uint64 from)', [
    c.name,
    u256(BigInt(c.kind)),
    u256(BigInt(hex(c.device))),
    u256(BigInt(hex(c.anchorer))),
    u256(BigInt(c.serial)),
    u256(c.from),
  ]);

/** keccak256(abi.encode(uint256, address, address, bytes32, uint8)): five words. */
export function datasetId(chainId: number, dissc: string, owner: string, name: Uint8Array, kind: number): Uint8Array {
  return keccak256(concat(u256(BigInt(chainId)), u256(BigInt(dissc)), u256(BigInt(owner)), name, u256(BigInt(kind))));
}

export const branch = (bip39Seed: Uint8Array, info: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', bip39Seed, new Uint8Array(), utf8(info), 32));

export const datasetKey = (bip39Seed: Uint8Array, dataset: Uint8Array, serial: number): Uint8Array =>
  hmac(branch(bip39Seed, 'plumbline/2/datasets'), concat(u8(0x30), dataset, u32(serial)));

export const deviceKey = (bip39Seed: Uint8Array, dataset: Uint8Array, serial: number, attempt = 0): Uint8Array =>
  hmac(branch(bip39Seed, 'plumbline/2/devices'), concat(u8(0x31), dataset, u32(serial), u8(attempt)));

/** `<dataset>/<first, 16 decimal digits>/<sha256 of the CAR>.car` */
export function objectKey(dataset: Uint8Array, first: bigint, carBytes: Uint8Array): string {
  return `${hex(dataset).slice(2)}/${first.toString().padStart(16, '0')}/${hex(sha256(carBytes)).slice(2)}.car`;
}

export const charterKey = (dataset: Uint8Array, serial: number): string => `${hex(dataset).slice(2)}/charter-${serial}`;

/** The chain, contract and mnemonic that the vectors pretend. */
export const DOMAIN: Domain = { chainId: 31337, verifyingContract: '0x5fbdb2315678afecb367f032d93f642f64180aa3' };
export const MNEMONIC = 'test test test test test test test test test test test junk';
export const name32 = (text: string): Uint8Array => unhex(`0x${Buffer.from(text).toString('hex').padEnd(64, '0')}`);
