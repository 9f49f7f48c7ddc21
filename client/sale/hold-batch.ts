import type { BatchArchive } from '../../core/agreement/build-keys.ts';
import { ownBatch } from '../../core/agreement/build-keys.ts';
import { concatBytes, u32 } from '../../core/bytes.ts';
import { FileError } from '../../core/errors.ts';
import type {
  AgreementId,
  BlockIndex,
  ChunkRoot,
  Commitment,
  ContentCommitment,
  DatasetId,
  DatasetKey,
  MetaHash,
  Salt,
  SealedDigest,
  Sha256,
} from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { collectBatch, type HeldBatch } from './collect-batch.ts';
import type { SaleParts } from './sale-parts.ts';
import type { SaleState } from './sale-state.ts';

type HoldParts = Pick<SaleParts, 'primitives' | 'datasetKeys' | 'state' | 'serviceFor' | 'fetchManifest'>;

const BLOCK_BYTES = 100;

/**
 * The batch that holds a block, from the archive, or else from storage; then it is archived, and answers need no records of
 * the storage any more.
 */
export async function holdBatch(
  parts: HoldParts,
  agreement: Agreement,
  block: BlockIndex,
  signal: AbortSignal,
): Promise<HeldBatch> {
  const datasetKey = datasetKeyOf(parts, agreement.terms.dataset);
  const kept = findHeld(parts, agreement, datasetKey, block);
  if (kept !== null) return kept;
  const { dataset } = agreement.terms;
  const held = await collectBatch(
    {
      ...{ primitives: parts.primitives, fetchManifest: parts.fetchManifest, datasetKey },
      service: parts.serviceFor(agreement.id),
      mayFetch: (first, count) => isForSale(agreement, first) && isForSale(agreement, first + count - 1),
      isWanted: (index) => isForSale(agreement, index),
      findArchive: (first, salt) => {
        const archive = findArchive(parts.state, dataset, first, salt);
        return archive !== null && isEnough(agreement, archive) ? archive : null;
      },
    },
    { dataset, root: agreement.root, batches: agreement.batches },
    block,
    signal,
  );
  keepHeld(parts.state, agreement.id, held);
  return held;
}

/** How far the range for sale is archived without a gap: the first block that is not, or null when all of it is. */
export function firstUnheld(state: SaleState, { id, terms }: Agreement): BlockIndex | null {
  const row = state.sql('SELECT archived FROM agreements WHERE id = ?').get(id);
  let next = Math.max(terms.first, Number(row?.archived ?? 0));
  const place = state.sql(
    'SELECT first + count AS next FROM places WHERE agreement = ? AND first <= ? AND first + count > ?',
  );
  while (next < terms.first + terms.count) {
    const found = place.get(id, next, next);
    if (found === undefined) break;
    next = Number(found.next);
  }
  state.sql('UPDATE agreements SET archived = ? WHERE id = ? AND archived < ?').run(next, id, next);
  return next < terms.first + terms.count ? next : null;
}

export function countHeld(state: SaleState, agreement: AgreementId): number {
  return Number(state.sql('SELECT count(*) AS n FROM places WHERE agreement = ?').get(agreement)?.n);
}

/** @throws FileError when the agent's file does not know the dataset */
export function datasetKeyOf(parts: Pick<SaleParts, 'datasetKeys'>, dataset: DatasetId): DatasetKey {
  const key = parts.datasetKeys.get(dataset);
  if (key !== undefined) return key;
  throw new FileError(`The agent's file has no key of dataset ${dataset}. Write it anew: plumb owner agent --out FILE`);
}

function findHeld(
  { primitives, state }: HoldParts,
  agreement: Agreement,
  datasetKey: DatasetKey,
  block: BlockIndex,
): HeldBatch | null {
  const { id, terms } = agreement;
  const row = state
    .sql('SELECT first, position, salt, path FROM places WHERE agreement = ? AND first <= ? AND first + count > ?')
    .get(id, block, block);
  if (row === undefined) return null;
  const archive = findArchive(state, terms.dataset, Number(row.first), row.salt as Salt);
  if (archive === null || !isEnough(agreement, archive)) return null;
  const path = row.path as Uint8Array;
  const logPath = Array.from({ length: path.length / 32 }, (_, i) => path.slice(32 * i, 32 * i + 32));
  return { batch: ownBatch(primitives, datasetKey, archive), place: { position: Number(row.position), logPath } };
}

function isForSale({ terms }: Agreement, block: BlockIndex): boolean {
  return block >= terms.first && block < terms.first + terms.count;
}

/** Whether there are openings of all blocks for sale: the archive may have been made for another agreement. */
function isEnough(agreement: Agreement, { first, blocks }: BatchArchive): boolean {
  return blocks.every((known, i) => 'sha256' in known || !isForSale(agreement, first + i));
}

function findArchive(state: SaleState, dataset: DatasetId, first: BlockIndex, salt: Salt): BatchArchive | null {
  const row = state
    .sql('SELECT nonce, content, published, blocks FROM batches WHERE dataset = ? AND first = ? AND salt = ?')
    .get(dataset, first, salt);
  if (row === undefined) return null;
  return {
    ...{ dataset, first, salt, nonce: row.nonce as Uint8Array | null, published: row.published === 1 },
    ...{ contentCommitment: row.content as ContentCommitment, blocks: decodeBlocks(row.blocks as Uint8Array) },
  };
}

/** Keeps a proven batch, and where it stands in the log of an agreement. */
function keepHeld(state: SaleState, agreement: AgreementId, { batch, place }: HeldBatch): void {
  const { dataset, first, salt, nonce, contentCommitment, published, blocks } = batch.archive;
  state.commit(() => {
    state
      .sql('INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        dataset,
        first,
        salt,
        nonce,
        contentCommitment,
        Number(published),
        encodeBlocks(merged(state, batch.archive)),
      );
    state
      .sql('INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)')
      .run(agreement, first, blocks.length, place.position, salt, concatBytes(...place.logPath));
  });
}

/** An opening that was known stays known: both archives lead to the log. */
function merged(state: SaleState, { dataset, first, salt, blocks }: BatchArchive): BatchArchive['blocks'] {
  const before = findArchive(state, dataset, first, salt)?.blocks;
  return blocks.map((known, i) => {
    const kept = before?.[i];
    return 'sha256' in known || kept === undefined ? known : kept;
  });
}

/** A size of 0 stands for a record, which has no size. */
function encodeBlocks(blocks: BatchArchive['blocks']): Uint8Array {
  return concatBytes(
    ...blocks.flatMap((known) =>
      'sha256' in known
        ? [u32(known.size), known.sha256, known.chunkRoot, known.metaHash]
        : [u32(0), known.sealed, known.commitment, new Uint8Array(32)],
    ),
  );
}

function decodeBlocks(bytes: Uint8Array): BatchArchive['blocks'] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / BLOCK_BYTES }, (_, i) => {
    const at = i * BLOCK_BYTES;
    const size = view.getUint32(at);
    const [a, b, c] = [4, 36, 68].map((from) => bytes.slice(at + from, at + from + 32));
    if (size === 0) return { sealed: a as SealedDigest, commitment: b as Commitment };
    return { size, sha256: a as Sha256, chunkRoot: b as ChunkRoot, metaHash: c as MetaHash };
  });
}
