import { type DatasetWriter, type SealedBatch, sealBatchInSteps } from '../../core/batch/seal-batch.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import {
  batchAt,
  isSealed,
  logEndBefore,
  type PlannedBatch,
  type SealedRow,
  updateSealed,
} from '../outbox/batch-rows.ts';
import { BatchReplacedError, OutboxDamagedError } from '../outbox/errors.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { readBlocks } from '../outbox/read-blocks.ts';
import { takeTurns } from '../steps/take-turns.ts';

/**
 * Makes a planned batch's segment and writes down its head and signature: the receipt that exists at once. Others have
 * their turn meanwhile; none of them may change the log's end.
 */
export async function sealPlanned(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  planned: PlannedBatch,
): Promise<{ row: SealedRow; sealed: SealedBatch }> {
  const sealed = await sealRow(primitives, outbox, writer, planned);
  const row: SealedRow = {
    ...planned,
    state: 'sealed',
    sha256: sealed.segment.sha256,
    segmentBytes: sealed.segment.car.length,
    salt: sealed.leaf.salt,
    batchRoot: sealed.leaf.batchRoot,
    root: sealed.manifest.head.root,
    signature: sealed.manifest.signature,
    frontier: sealed.end.frontier,
    adopted: false,
  };
  outbox.commit(() => updateSealed(outbox, row, null));
  return { row, sealed };
}

/**
 * A sealed batch's segment once more, byte for byte.
 * @throws OutboxDamagedError when it comes out different from what was sealed
 * @throws BatchReplacedError when a fork was resolved meanwhile
 */
export async function rebuildSegment(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  row: SealedRow,
): Promise<SealedBatch> {
  let failure: unknown;
  try {
    const sealed = await sealRow(primitives, outbox, writer, row);
    if (equalBytes(sealed.segment.sha256, row.sha256)) return sealed;
  } catch (cause) {
    failure = cause;
  }
  const current = batchAt(outbox, row.position);
  if (current === null || !isSealed(current) || !equalBytes(current.sha256, row.sha256)) {
    throw new BatchReplacedError(`Another batch has taken the place of batch ${row.position} meanwhile.`);
  }
  throw (
    failure ??
    new OutboxDamagedError(`Batch ${row.position} does not come out as it was sealed. Keep a copy of the outbox.`)
  );
}

/** Whose batch is being made: one at a time, as each takes three times its size while it is made. */
const making = new WeakMap<Outbox, Promise<void>>();

async function sealRow(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  row: PlannedBatch,
): Promise<SealedBatch> {
  const before = making.get(outbox) ?? Promise.resolve();
  const made = before.then(() => makeBatch(primitives, outbox, writer, row));
  const done = (): void => undefined;
  making.set(outbox, made.then(done, done));
  return made;
}

function makeBatch(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  row: PlannedBatch,
): Promise<SealedBatch> {
  const blocks = readBlocks(outbox, row.fromSeq, row.toSeq);
  if (blocks.length !== row.blocks) {
    throw new OutboxDamagedError(`Batch ${row.position} has ${row.blocks} blocks; ${blocks.length} are on this disk.`);
  }
  // Whether a batch is published was fixed with its nonce.
  const asPlanned = { ...writer, published: row.published };
  return takeTurns(sealBatchInSteps(primitives, asPlanned, logEndBefore(outbox, row.position), blocks, row.nonce));
}
