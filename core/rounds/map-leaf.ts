import { concatBytes, u8, u32, u64 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { type DatasetId, datasetBytes, type LogRoot, type MapRoot } from '../ids.ts';
import { MAX_LOG_BLOCKS } from '../limits.ts';
import type { SignedHead } from '../log/head.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** What a round says of one dataset: its newest head, who signed it, and the signature's hash. */
export interface MapLeaf {
  readonly dataset: DatasetId;
  /** Blocks. */
  readonly size: number;
  readonly root: LogRoot;
  /** Of the device that signed the head. */
  readonly serial: number;
  /** H(signature65). */
  readonly signatureHash: Uint8Array;
}

/** A map of no dataset, and every part of a map in which there is none. */
export const EMPTY_MAP = new Uint8Array(32) as MapRoot;

/** A map is as deep as ids have bits. */
export const MAP_DEPTH = 256;

/** The leaf of a signed head. */
export function leafOfHead(hasher: Hasher, { dataset, size, root, serial, signature }: SignedHead): MapLeaf {
  return { dataset, size, root, serial, signatureHash: hasher.sha256(signature) };
}

/**
 * Map of exactly one dataset: H(07 ‖ dataset32 ‖ u64 size ‖ root32 ‖ u32 serial ‖ H(signature65)).
 * @throws ArgumentError when a field is out of bounds
 */
export function mapLeafHash(hasher: Hasher, leaf: MapLeaf): MapRoot {
  return hasher.sha256(mapLeafBytes(leaf)) as MapRoot;
}

/** What is hashed of it. @throws ArgumentError when a field is out of bounds */
export function mapLeafBytes(leaf: MapLeaf): Uint8Array {
  requireMapLeaf(leaf);
  return concatBytes(
    ...[u8(0x07), datasetBytes(leaf.dataset), u64(leaf.size), leaf.root, u32(leaf.serial), leaf.signatureHash],
  );
}

/** Map of more than one: H(08 ‖ map of those with bit 0 ‖ map of those with bit 1). */
export function mapNodeHash(hasher: Hasher, zero: Uint8Array, one: Uint8Array): MapRoot {
  return hasher.sha256(concatBytes(u8(0x08), zero, one)) as MapRoot;
}

/** Bit `depth` of a dataset's id, the most significant first: which way the map goes at this depth. */
export function bitAt(id: Uint8Array, depth: number): 0 | 1 {
  return (((id[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/** Why this cannot be the leaf of a signed head, or null. */
export function faultOfMapLeaf({ size, root, serial, signatureHash }: MapLeaf): string | null {
  if (root.length !== 32 || signatureHash.length !== 32) return 'Root and hash of the signature have 32 bytes each.';
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_LOG_BLOCKS) {
    return `A round holds heads of 1 to 2^48 blocks, not of ${size}.`;
  }
  const isSerial = Number.isInteger(serial) && serial >= 0 && serial <= 0xffff_ffff;
  return isSerial ? null : `${serial} is not a valid device serial.`;
}

/** @throws ArgumentError unless this can be the leaf of a signed head */
export function requireMapLeaf(leaf: MapLeaf): void {
  const fault = faultOfMapLeaf(leaf);
  if (fault !== null) throw new ArgumentError(fault);
}
