import * as dagCbor from '@ipld/dag-cbor';
import { type Refuse, requireInteger, requireMap, requireText } from '../dag-cbor.ts';
import { ArgumentError } from '../errors.ts';
import { MAX_OBJECT_KEY_BYTES, MAX_VERSION_ID_BYTES } from '../limits.ts';
import type { Primitives } from '../ports/primitives.ts';

/**
 * Where another program has put the bytes of a block of an attached dataset: a piece of one object
 * (specification#attached-datasets).
 */
export interface AttachedObject {
  readonly key: string;
  /** Null where the bucket keeps no versions. */
  readonly versionId: string | null;
  /** Of the piece's first byte. */
  readonly offset: number;
}

/** A piece with its length: the block's size. */
export interface AttachedPiece {
  readonly object: AttachedObject;
  readonly size: number;
}

/** Reads where a piece is. `refuse` throws. */
export function parseAttachedObject(value: unknown, where: string, refuse: Refuse): AttachedObject {
  const map = requireMap(value, where, ['key', 'versionId', 'offset'], refuse);
  return {
    key: requireText(map.key, `${where}.key`, MAX_OBJECT_KEY_BYTES, refuse),
    versionId:
      map.versionId === null ? null : requireText(map.versionId, `${where}.versionId`, MAX_VERSION_ID_BYTES, refuse),
    offset: requireInteger(map.offset, `${where}.offset`, 0, Number.MAX_SAFE_INTEGER, refuse),
  };
}

/** H(dag-cbor {key, versionId, offset}): what `meta.object` holds. @throws ArgumentError when a field is out of bounds */
export function attachedObjectHash(hasher: Pick<Primitives, 'sha256'>, object: AttachedObject): Uint8Array {
  const { key, versionId, offset } = parseAttachedObject(object, 'object', refuseArgument);
  return hasher.sha256(dagCbor.encode({ key, versionId, offset }));
}

/**
 * The position of the first piece that does not follow, with the reason, or null: the pieces of one version go from offset 0
 * to its end, ascending and without gap. `before` is the piece before the first one, null at the log's beginning;
 * undefined where it is not known: then the first piece may go on at any offset. Where there is no version id, offset 0
 * begins anew.
 */
export function misplacedPiece(
  before: AttachedPiece | null | undefined,
  pieces: readonly AttachedPiece[],
): { readonly position: number; readonly reason: string } | null {
  const begun = new Set<string>();
  let last = before;
  if (last) begun.add(versionOf(last.object));
  for (const [position, piece] of pieces.entries()) {
    const { object } = piece;
    const version = versionOf(object);
    if (object.offset === 0) {
      if (object.versionId !== null && begun.has(version)) {
        return { position, reason: 'The same version begins twice.' };
      }
    } else if (last === null || (last !== undefined && versionOf(last.object) !== version)) {
      return { position, reason: `A version begins at offset ${object.offset}; it must begin at 0.` };
    } else if (last !== undefined && last.object.offset + last.size !== object.offset) {
      const wanted = last.object.offset + last.size;
      return { position, reason: `A piece is at offset ${object.offset}; it must follow at ${wanted}.` };
    }
    begun.add(version);
    last = piece;
  }
  return null;
}

function versionOf({ key, versionId }: AttachedObject): string {
  return JSON.stringify([key, versionId]);
}

const refuseArgument: Refuse = (what, where) => {
  throw new ArgumentError(`The ${where} is invalid. ${what}`);
};
