import type { BatchArchive } from '../../core/agreement/build-keys.ts';
import { ownBatch } from '../../core/agreement/build-keys.ts';
import type { Opening } from '../../core/block/digest.ts';
import { concatBytes, u32 } from '../../core/bytes.ts';
import { InvalidInputError } from '../../core/errors.ts';
import type {
  AgreementId,
  BlockIndex,
  ChunkRoot,
  ContentCommitment,
  DatasetId,
  DatasetKey,
  MetaHash,
  Salt,
  Sha256,
} from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { collectBatch, type HeldBatch } from './collect-batch.ts';
import type { SaleParts } from './sale-parts.ts';
import type { SaleState } from './sale-state.ts';

type HoldParts = Pick<SaleParts, 'primitives' | 'datasetKeys' | 'state' | 'serviceFor' | 'fetchManifest'>;

const OPENING_BYTES = 100;

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
      findArchive: (first, salt) => findArchive(parts.state, dataset, first, salt),
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

/** @throws InvalidInputError when the agent's file does not know the dataset */
export function datasetKeyOf(parts: Pick<SaleParts, 'datasetKeys'>, dataset: DatasetId): DatasetKey {
  const key = parts.datasetKeys.get(dataset);
  if (key !== undefined) return key;
  throw new InvalidInputError(
    `The agent's file has no key of dataset ${dataset}. Write it anew: plumb owner agent --out FILE`,
  );
}

function findHeld(
  { primitives, state }: HoldParts,
  { id, terms }: Agreement,
  datasetKey: DatasetKey,
  block: BlockIndex,
): HeldBatch | null {
  const row = state
    .sql('SELECT first, position, salt, path FROM places WHERE agreement = ? AND first <= ? AND first + count > ?')
    .get(id, block, block);
  if (row === undefined) return null;
  const archive = findArchive(state, terms.dataset, Number(row.first), row.salt as Salt);
  if (archive === null) return null;
  const path = row.path as Uint8Array;
  const logPath = Array.from({ length: path.length / 32 }, (_, i) => path.slice(32 * i, 32 * i + 32));
  return { batch: ownBatch(primitives, datasetKey, archive), place: { position: Number(row.position), logPath } };
}

function findArchive(state: SaleState, dataset: DatasetId, first: BlockIndex, salt: Salt): BatchArchive | null {
  const row = state
    .sql('SELECT nonce, content, published, openings FROM batches WHERE dataset = ? AND first = ? AND salt = ?')
    .get(dataset, first, salt);
  if (row === undefined) return null;
  return {
    ...{ dataset, first, salt, nonce: row.nonce as Uint8Array | null, published: row.published === 1 },
    ...{ contentCommitment: row.content as ContentCommitment, openings: decodeOpenings(row.openings as Uint8Array) },
  };
}

/** Keeps a proven batch, and where it stands in the log of an agreement. */
function keepHeld(state: SaleState, agreement: AgreementId, { batch, place }: HeldBatch): void {
  const { dataset, first, salt, nonce, contentCommitment, published, openings } = batch.archive;
  state.commit(() => {
    state
      .sql('INSERT OR IGNORE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(dataset, first, salt, nonce, contentCommitment, Number(published), encodeOpenings(openings));
    state
      .sql('INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)')
      .run(agreement, first, openings.length, place.position, salt, concatBytes(...place.logPath));
  });
}

function encodeOpenings(openings: readonly Opening[]): Uint8Array {
  return concatBytes(
    ...openings.flatMap(({ size, sha256, chunkRoot, metaHash }) => [u32(size), sha256, chunkRoot, metaHash]),
  );
}

function decodeOpenings(bytes: Uint8Array): Opening[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / OPENING_BYTES }, (_, i) => {
    const at = i * OPENING_BYTES;
    return {
      size: view.getUint32(at),
      sha256: bytes.slice(at + 4, at + 36) as Sha256,
      chunkRoot: bytes.slice(at + 36, at + 68) as ChunkRoot,
      metaHash: bytes.slice(at + 68, at + 100) as MetaHash,
    };
  });
}
