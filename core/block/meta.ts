import * as dagCbor from '@ipld/dag-cbor';
import { equalBytes } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { MetaHash } from '../ids.ts';
import { MAX_META_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';

/** What a block says about itself (design §4). Storage can read it. */
export interface BlockMeta {
  /** When it was captured, ms since 1970. */
  readonly at: number;
  /** 1 when the device's clock was not synchronised. */
  readonly clock?: 1;
  /** Name of the file the block is, or is a part of. */
  readonly name?: string;
  /** Media type of the content. */
  readonly type?: string;
  /** Position among the parts of a file larger than a block, from 0; goes with `parts` and `name`. */
  readonly part?: number;
  readonly parts?: number;
}

const FIELDS = new Set(['at', 'clock', 'name', 'type', 'part', 'parts']);

/** Canonical dag-cbor of a meta. @throws ArgumentError when a field is out of bounds or all exceed 512 bytes */
export function encodeMeta(meta: BlockMeta): Uint8Array {
  const bytes = dagCbor.encode(requireMeta(meta));
  requireMetaSize(bytes);
  return bytes;
}

/** Reads a meta strictly: canonical dag-cbor, known fields, bounded. @throws ArgumentError */
export function decodeMeta(bytes: Uint8Array): BlockMeta {
  requireMetaSize(bytes);
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new ArgumentError('The meta is not dag-cbor.', { cause });
  }
  const meta = requireMeta(value);
  // Re-encoding catches every second spelling of the same map: key order, long integers, indefinite lengths.
  if (!equalBytes(dagCbor.encode(meta), bytes)) throw new ArgumentError('The meta is not canonical dag-cbor.');
  return meta;
}

/** H(meta), as the digest binds it. */
export function metaHash(hasher: Pick<Primitives, 'sha256'>, metaBytes: Uint8Array): MetaHash {
  return hasher.sha256(metaBytes) as MetaHash;
}

function requireMetaSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_META_BYTES) {
    throw new ArgumentError(
      `The meta takes ${bytes.length} bytes; at most ${MAX_META_BYTES} fit. Shorten the name or the type.`,
    );
  }
}

function requireMeta(value: unknown): BlockMeta {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) {
    throw new ArgumentError('The meta is not a map.');
  }
  const meta = value as Record<string, unknown>;
  for (const field of Object.keys(meta)) {
    if (!FIELDS.has(field)) throw new ArgumentError(`The meta has an unknown field ${JSON.stringify(field)}.`);
  }
  requireCount(meta.at, 'at', 0);
  if ('clock' in meta && meta.clock !== 1) throw new ArgumentError('The meta field clock is 1 or absent.');
  requireText(meta, 'name');
  requireText(meta, 'type');
  if ('part' in meta || 'parts' in meta) {
    requireCount(meta.parts, 'parts', 1);
    requireCount(meta.part, 'part', 0);
    if ((meta.part as number) >= (meta.parts as number)) {
      throw new ArgumentError(`The meta says part ${meta.part} of ${meta.parts}; parts are numbered from 0.`);
    }
    if (!('name' in meta)) throw new ArgumentError('The meta of a part carries no name; every part must.');
  }
  return value as BlockMeta;
}

function requireCount(value: unknown, field: string, least: number): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || Object.is(value, -0)) {
    throw new ArgumentError(`The meta field ${field} is not an integer from ${least} to 2^53 - 1.`);
  }
}

function requireText(meta: Record<string, unknown>, field: string): void {
  const value = meta[field];
  if (field in meta && (typeof value !== 'string' || value.length === 0 || !value.isWellFormed())) {
    throw new ArgumentError(`The meta field ${field} is not a text of at least one character.`);
  }
}
