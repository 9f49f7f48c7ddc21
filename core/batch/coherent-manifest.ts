import {
  type AttachedObject,
  type AttachedPiece,
  attachedObjectHash,
  misplacedPiece,
} from '../block/attached-object.ts';
import { equalBytes } from '../bytes.ts';
import { ATTACHED, type DatasetKind, ENCRYPTED, PLAIN } from '../charter/kind.ts';
import { SegmentError } from '../errors.ts';
import { GCM_TAG_BYTES, MAX_BATCH_BYTES, MAX_BLOCK_BYTES, MAX_CONTENT_BYTES } from '../limits.ts';
import { isPlainRecord } from '../log/record.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Manifest, ManifestBlock } from './manifest-fields.ts';

/**
 * The kind of the dataset that a manifest is written for: a nonce says encrypted, objects say attached. That it is the
 * dataset's own kind is known only from the charter, whose id is made of it.
 */
export function manifestKind({ nonce, blocks }: Pick<Manifest, 'nonce' | 'blocks'>): DatasetKind {
  if (nonce !== null) return ENCRYPTED;
  return blocks[0]?.object ? ATTACHED : PLAIN;
}

/**
 * What the fields of a manifest say of each other (specification#manifest): head and count, total size, and in each kind
 * what must and must not be there.
 * @throws SegmentError naming the field
 */
export function requireCoherent(manifest: Manifest): void {
  const { first, head, blocks } = manifest;
  const total = blocks.reduce((sum, block) => sum + block.size, 0);
  if (total > MAX_BATCH_BYTES) {
    throw new SegmentError(`The blocks add up to ${total} bytes; at most ${MAX_BATCH_BYTES} fit.`, 'manifest.blocks');
  }
  if (head.size !== first + blocks.length) {
    const wanted = first + blocks.length;
    throw new SegmentError(`The head has ${head.size} blocks; it must have ${wanted}.`, 'manifest.head.size');
  }
  const kind = manifestKind(manifest);
  for (const [number, block] of blocks.entries()) requireOfKind(kind, block, `manifest.blocks[${number}]`);
  if (kind === ATTACHED) requirePlaced(first, blocks as readonly AttachedPiece[]);
}

function requireOfKind(kind: DatasetKind, block: ManifestBlock, where: string): void {
  // Content has 1 byte to 1 MiB - 16 in every kind; only an encrypted block has a tag on top.
  const [least, most] = kind === ENCRYPTED ? [1 + GCM_TAG_BYTES, MAX_BLOCK_BYTES] : [1, MAX_CONTENT_BYTES];
  if (block.size < least || block.size > most) {
    const what = kind === ENCRYPTED ? 'An encrypted' : 'A plain';
    throw new SegmentError(`${what} block has ${least} to ${most} bytes, not ${block.size}.`, `${where}.size`);
  }
  if (isPlainRecord(block.record) !== (kind !== ENCRYPTED)) {
    throw new SegmentError(
      'A record must commit to a content key if the batch has a nonce, and only then.',
      `${where}.record`,
    );
  }
  if ((block.object !== null) !== (kind === ATTACHED)) {
    throw new SegmentError('An entry must name an object in an attached dataset, and only there.', `${where}.object`);
  }
}

/**
 * Whether a meta binds the object that its entry names, and binds one exactly where the entry names one.
 * @throws SegmentError naming the field
 */
export function requireBoundObject(
  hasher: Pick<Primitives, 'sha256'>,
  object: AttachedObject | null,
  bound: Uint8Array | undefined,
  where: string,
): void {
  if ((object !== null) !== (bound !== undefined)) {
    throw new SegmentError('Either both the entry and its meta must name an object, or neither.', `${where}.object`);
  }
  if (object !== null && !equalBytes(bound as Uint8Array, attachedObjectHash(hasher, object))) {
    throw new SegmentError('The meta and the entry name different objects.', `${where}.meta`);
  }
}

function requirePlaced(first: number, pieces: readonly AttachedPiece[]): void {
  const misplaced = misplacedPiece(first === 0 ? null : undefined, pieces);
  if (misplaced === null) return;
  throw new SegmentError(misplaced.reason, `manifest.blocks[${misplaced.position}].object.offset`);
}
