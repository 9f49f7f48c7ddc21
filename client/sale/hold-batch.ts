import type { Opening } from '../../core/block/digest.ts';
import { concatBytes, u32 } from '../../core/bytes.ts';
import { FileError } from '../../core/errors.ts';
import type {
  AgreementId,
  BlockIndex,
  ChunkRoot,
  DatasetId,
  DatasetKey,
  MetaHash,
  Nonce,
  Salt,
  Sha256,
} from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import { collectBatch, type HeldArchive, type HeldBatch, heldBatch } from './collect-batch.ts';
import type { SaleParts } from './sale-parts.ts';
import type { SaleState } from './sale-state.ts';

type HoldParts = Pick<SaleParts, 'primitives' | 'datasetKeys' | 'state' | 'serviceFor' | 'fetchManifest'>;

/** u32 size ‖ sha256 ‖ chunkRoot ‖ metaHash. */
const OPENING_BYTES = 100;

/**
 * The batch that holds a block, as far as it is for sale: from the archive, or else from storage; then it is archived, and
 * answers need no records of the storage any more.
 * @throws ProofError when what storage shows does not lead to the sold log; StoreUnavailableError when it shows nothing
 */
export async function holdBatch(
  parts: HoldParts,
  agreement: Agreement,
  block: BlockIndex,
  signal: AbortSignal,
): Promise<HeldBatch> {
  const { terms, root, size } = agreement;
  const keys = { primitives: parts.primitives, datasetKeyOf: keysOf(parts, terms.dataset) };
  const kept = findHeld(parts.state, agreement.id, block);
  if (kept !== null) return heldBatch(keys, kept.archive, kept.proof);
  const held = await collectBatch(
    {
      ...keys,
      fetchManifest: parts.fetchManifest,
      service: parts.serviceFor(agreement.id),
      range: terms,
      mayFetch: (first, count) => isForSale(agreement, first) && isForSale(agreement, first + count - 1),
      findArchive: ({ salt }, first, count) => findArchive(parts.state, terms.dataset, salt, first, count),
    },
    { dataset: terms.dataset, root, size },
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
  const held = state.sql(
    'SELECT first + count AS next FROM held WHERE agreement = ? AND first <= ? AND first + count > ?',
  );
  while (next < terms.first + terms.count) {
    const found = held.get(id, next, next);
    if (found === undefined) break;
    next = Number(found.next);
  }
  state.sql('UPDATE agreements SET archived = ? WHERE id = ? AND archived < ?').run(next, id, next);
  return next < terms.first + terms.count ? next : null;
}

export function countHeld(state: SaleState, agreement: AgreementId): number {
  return Number(state.sql('SELECT count(*) AS n FROM held WHERE agreement = ?').get(agreement)?.n);
}

/** @throws FileError when the agent's file does not know the dataset */
export function requireDataset(parts: Pick<SaleParts, 'datasetKeys'>, dataset: DatasetId): void {
  if (parts.datasetKeys.has(dataset)) return;
  throw new FileError(`The agent's file has no key of dataset ${dataset}. ${WRITE_ANEW}`);
}

const WRITE_ANEW = 'Write it again: plumb owner agent --out FILE --replace';

function keysOf({ datasetKeys }: Pick<SaleParts, 'datasetKeys'>, dataset: DatasetId): (serial: number) => DatasetKey {
  return (serial) => {
    requireDataset({ datasetKeys }, dataset);
    const key = datasetKeys.get(dataset)?.get(serial);
    if (key !== undefined) return key;
    throw new FileError(`The agent's file has no key of device ${serial} of dataset ${dataset}. ${WRITE_ANEW}`);
  };
}

function isForSale({ terms }: Agreement, block: BlockIndex): boolean {
  return block >= terms.first && block < terms.first + terms.count;
}

function findHeld(
  state: SaleState,
  id: AgreementId,
  block: BlockIndex,
): { archive: HeldArchive; proof: Uint8Array[] } | null {
  const row = state
    .sql('SELECT * FROM held WHERE agreement = ? AND first <= ? AND first + count > ?')
    .get(id, block, block);
  if (row === undefined) return null;
  const proof = row.proof as Uint8Array;
  return {
    archive: archiveOf(row),
    proof: Array.from({ length: proof.length / 32 }, (_, i) => proof.slice(32 * i, 32 * i + 32)),
  };
}

/** What another sale of the same blocks has archived: openings are the same, whatever log they were sold from. */
function findArchive(
  state: SaleState,
  dataset: DatasetId,
  salt: Salt,
  first: BlockIndex,
  count: number,
): HeldArchive | null {
  const row = state
    .sql('SELECT * FROM held WHERE salt = ? AND dataset = ? AND first <= ? AND first + count >= ? LIMIT 1')
    .get(salt, dataset, first, first + count);
  if (row === undefined) return null;
  const archive = archiveOf(row);
  const from = first - archive.first;
  return { ...archive, first, blocks: archive.blocks.slice(from, from + count) };
}

function keepHeld(state: SaleState, agreement: AgreementId, { archive, run }: HeldBatch): void {
  const { dataset, first, serial, salt, nonce, blocks } = archive;
  state
    .sql('INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      agreement,
      first,
      blocks.length,
      dataset,
      serial,
      salt,
      nonce,
      encodeOpenings(blocks),
      concatBytes(...run.proof),
    );
}

function archiveOf(row: Record<string, unknown>): HeldArchive {
  return {
    dataset: row.dataset as DatasetId,
    first: Number(row.first),
    serial: Number(row.serial),
    salt: row.salt as Salt,
    nonce: row.nonce as Nonce | null,
    blocks: decodeOpenings(row.openings as Uint8Array),
  };
}

function encodeOpenings(blocks: readonly Opening[]): Uint8Array {
  return concatBytes(
    ...blocks.flatMap(({ size, sha256, chunkRoot, metaHash }) => [u32(size), sha256, chunkRoot, metaHash]),
  );
}

function decodeOpenings(bytes: Uint8Array): Opening[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / OPENING_BYTES }, (_, i) => {
    const at = i * OPENING_BYTES;
    const [sha256, chunkRoot, metaHash] = [4, 36, 68].map((from) => bytes.slice(at + from, at + from + 32));
    return {
      size: view.getUint32(at),
      sha256: sha256 as Sha256,
      chunkRoot: chunkRoot as ChunkRoot,
      metaHash: metaHash as MetaHash,
    };
  });
}
