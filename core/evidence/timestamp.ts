import type { SignedHead } from '../log/head.ts';
import type { Primitives } from '../ports/primitives.ts';
import { leafOfHead, mapLeafBytes } from '../rounds/map-leaf.ts';

/** Of a token with its certificates. Those of public authorities have 3 to 10 KB. */
export const MAX_TIMESTAMP_BYTES = 65_536;

/** What a time-stamp token in evidence says, and how far it was checked. */
export interface TimestampFinding {
  /** The authority's time; null where nothing here has read the token. */
  readonly atMs: number | null;
  /** By how much that may be wrong, as the authority says; null where it does not. */
  readonly accuracyMs: number | null;
  /** Whom the certificate names that signed it. */
  readonly authority: string | null;
  /** Object identifier of the authority's policy. */
  readonly policy: string | null;
  /** The token's number at its authority, in hex. */
  readonly serialNumber: string | null;
  /** Whether that certificate leads to a root that the reader trusts; null where none was named, or the token was not read. */
  readonly holds: boolean | null;
  /** The root it leads to. */
  readonly root: string | null;
  /** Why it does not hold, or what was not checked. */
  readonly reason: string | null;
}

/**
 * What a time-stamping authority hashes and signs the time of: 07 ‖ dataset32 ‖ u64 size ‖ root32 ‖ u32 serial ‖ H(signature65), the
 * leaf that a round has of the same head. Its SHA-256 is the token's imprint (specification#time-stamps).
 * @throws ArgumentError for a size or a serial that no head has
 */
export function timestampMessage(hasher: Pick<Primitives, 'sha256'>, head: SignedHead): Uint8Array {
  return mapLeafBytes(leafOfHead(hasher, head));
}

/** What a program says of a token that it does not read. */
export const UNREAD_TIMESTAMP: TimestampFinding = {
  atMs: null,
  accuracyMs: null,
  authority: null,
  policy: null,
  serialNumber: null,
  holds: null,
  root: null,
  reason: 'This program does not read time-stamp tokens.',
};
