import * as dagCbor from '@ipld/dag-cbor';
import { decodeCanonical, type Refuse, requireBytes, requireInteger, requireMap, requireText } from '../dag-cbor.ts';
import { ArgumentError } from '../errors.ts';
import type { MetaHash } from '../ids.ts';
import { MAX_META_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';

/** What a block says about itself (specification#meta). Storage can read it. */
export interface BlockMeta {
  /** When it was captured, ms since 1970. Never falls within a stretch. */
  readonly at: number;
  /** 1 when the device's clock was not synchronised, 2 at a stretch's beginning. */
  readonly clock?: 1 | 2;
  /** When it was measured, by the source's own word, ms since 1970. */
  readonly time?: number;
  /** Hash of a final chain block known when it was sealed, 32 bytes: it was sealed no earlier. */
  readonly after?: Uint8Array;
  /** Name of the file the block is, or is a part of. */
  readonly name?: string;
  /** Media type of the content. */
  readonly type?: string;
  /** Position among the parts of a file larger than a block, from 0; goes with `parts` and `name`. */
  readonly part?: number;
  readonly parts?: number;
  /** Bytes of a growing file before this piece of it; goes with `name`, without `part`. 0 begins the file anew. */
  readonly from?: number;
  /** H(dag-cbor of where the bytes are), 32 bytes; in attached datasets, and there alone. */
  readonly object?: Uint8Array;
}

const MOST = Number.MAX_SAFE_INTEGER;

/** Canonical dag-cbor of a meta. @throws ArgumentError when a field is out of bounds or all exceed 512 bytes */
export function encodeMeta(meta: BlockMeta): Uint8Array {
  const bytes = dagCbor.encode(parseMeta(meta));
  requireMetaSize(bytes);
  return bytes;
}

/** Reads a meta strictly: canonical dag-cbor, known fields, bounded. @throws ArgumentError naming the field */
export function decodeMeta(bytes: Uint8Array): BlockMeta {
  requireMetaSize(bytes);
  return parseMeta(decodeCanonical(bytes, 'meta', refuse));
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

const OPTIONAL = ['clock', 'time', 'after', 'name', 'type', 'part', 'parts', 'from', 'object'];

function parseMeta(value: unknown): BlockMeta {
  const map = requireMap(value, 'meta', ['at'], refuse, OPTIONAL);
  const has = (field: string): boolean => Object.hasOwn(map, field);
  requireInteger(map.at, 'meta.at', 0, MOST, refuse);
  if (has('clock')) requireInteger(map.clock, 'meta.clock', 1, 2, refuse);
  if (has('time')) requireInteger(map.time, 'meta.time', 0, MOST, refuse);
  if (has('after')) requireBytes(map.after, 'meta.after', refuse, 32);
  if (has('name')) requireText(map.name, 'meta.name', MAX_META_BYTES, refuse);
  if (has('type')) requireText(map.type, 'meta.type', MAX_META_BYTES, refuse);
  if (has('object')) requireBytes(map.object, 'meta.object', refuse, 32);
  if (has('part') || has('parts')) {
    const parts = requireInteger(map.parts, 'meta.parts', 1, MOST, refuse);
    requireInteger(map.part, 'meta.part', 0, parts - 1, refuse);
    if (!has('name')) refuse('Every part needs the name of its file.', 'meta.name');
  }
  if (has('from')) {
    requireInteger(map.from, 'meta.from', 0, MOST, refuse);
    if (!has('name') || has('part'))
      refuse('It is allowed only with the name of a file that is not cut into parts.', 'meta.from');
  }
  return map as unknown as BlockMeta;
}

const refuse: Refuse = (what, where, cause) => {
  throw new ArgumentError(`The ${where} is invalid. ${what}`, cause === undefined ? {} : { cause });
};
