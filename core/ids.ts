import type { Brand } from './brand.ts';
import { fromHex, to0x } from './bytes.ts';
import { ArgumentError } from './errors.ts';

/** 32 bytes, lower-case hex with 0x: one device's append-only log. */
export type DatasetId = Brand<`0x${string}`, 'DatasetId'>;
/** 20 bytes, lower-case hex with 0x: an Ethereum account or contract. */
export type Address = Brand<`0x${string}`, 'Address'>;
const ZERO_ADDRESS = `0x${'00'.repeat(20)}` as Address;
/** What stands for the native coin where a token's address does. */
export const NATIVE_COIN = ZERO_ADDRESS;
/** Nobody: what a charter names where there is no anchorer, and never an owner or a device. */
export const NO_ACCOUNT = ZERO_ADDRESS;

/** 32 bytes, lower-case hex with 0x: an agreement of OCASC, by its terms and the log it is about. */
export type AgreementId = Brand<`0x${string}`, 'AgreementId'>;
/** Position of a block in its dataset, from 0. */
export type BlockIndex = number;

/** A DataBlock's name in the log (the paper's BlockID). */
export interface BlockId {
  readonly dataset: DatasetId;
  readonly index: BlockIndex;
}

/** Where storage keeps a block's bytes (the paper's ObjectID). */
export interface ObjectId {
  readonly key: string;
  readonly offset: number;
  readonly size: number;
}

/** Hash of a block's stored bytes. */
export type Sha256 = Brand<Uint8Array, 'Sha256'>;
/** Merkle root of a block's 1,024-byte chunks. */
export type ChunkRoot = Brand<Uint8Array, 'ChunkRoot'>;
export type MetaHash = Brand<Uint8Array, 'MetaHash'>;
/** What binds bytes, size, chunks and meta to one BlockId. */
export type Digest = Brand<Uint8Array, 'Digest'>;
/** Encrypted[Hash(DataBlock)] of the paper. */
export type SealedDigest = Brand<Uint8Array, 'SealedDigest'>;
export type Commitment = Brand<Uint8Array, 'Commitment'>;
export type ContentCommitment = Brand<Uint8Array, 'ContentCommitment'>;
export type Salt = Brand<Uint8Array, 'Salt'>;
/** What the content keys of a batch are derived from, 16 bytes. */
export type Nonce = Brand<Uint8Array, 'Nonce'>;
/** MTH over a dataset's records; 32 zero bytes for the empty log. */
export type LogRoot = Brand<Uint8Array, 'LogRoot'>;
/** One root for the newest heads of many datasets; 32 zero bytes for none. */
export type MapRoot = Brand<Uint8Array, 'MapRoot'>;
/** What an anchorer hands to DISSC for a round. */
export type RoundBody = Brand<Uint8Array, 'RoundBody'>;
/** What DISSC makes of a body, its block's time and the round before. */
export type RoundRoot = Brand<Uint8Array, 'RoundRoot'>;

/** Secret of one dataset and one device; everything the device seals follows from it. */
export type DatasetKey = Brand<Uint8Array, 'DatasetKey'>;
/** Secret that opens the digests of all blocks of one device, and no content. */
export type AuditKey = Brand<Uint8Array, 'AuditKey'>;
/** Secret of the contents of all blocks of one device. */
export type ReadKey = Brand<Uint8Array, 'ReadKey'>;
/** Secret that opens one block's sealed digest. */
export type BlockKey = Brand<Uint8Array, 'BlockKey'>;
/** Secret of the content of one batch. */
export type ContentBatchKey = Brand<Uint8Array, 'ContentBatchKey'>;
/** Secret of the content of one block. */
export type ContentKey = Brand<Uint8Array, 'ContentKey'>;
/** An account's private key. */
export type PrivateKey = Brand<Uint8Array, 'PrivateKey'>;

/** @throws ArgumentError unless 32 bytes of hex */
export function datasetId(hex: string): DatasetId {
  return to0x(fromHex(hex, 'dataset id', 32)) as DatasetId;
}

/** @throws ArgumentError unless 20 bytes of hex */
export function address(hex: string): Address {
  return to0x(fromHex(hex, 'address', 20)) as Address;
}

/** @throws ArgumentError when it is no hex */
export function datasetBytes(dataset: DatasetId): Uint8Array {
  return fromHex(dataset, 'dataset id', 32);
}

/** @throws ArgumentError when it is no hex */
export function addressBytes(account: Address): Uint8Array {
  return fromHex(account, 'address', 20);
}

/** @throws ArgumentError when it is no hex */
export function agreementBytes(agreement: AgreementId): Uint8Array {
  return fromHex(agreement, 'agreement id', 32);
}

/** Brands 32 bytes that were just computed or parsed. @throws ArgumentError on any other length */
export function bytes32<T extends Uint8Array>(bytes: Uint8Array, what: string): T {
  if (bytes.length !== 32) throw new ArgumentError(`The ${what} has ${bytes.length} bytes; it must have 32.`);
  return bytes as T;
}
