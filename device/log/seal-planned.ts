import {
  type DatasetWriter,
  EMPTY_LOG,
  type LogEnd,
  type SealedBatch,
  sealBatch,
} from '../../core/batch/seal-batch.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { batchAt, endAfter, type PlannedBatch, type SealedRow, updateSealed } from '../outbox/batch-rows.ts';
import { OutboxDamagedError } from '../outbox/errors.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { readBlocks } from '../outbox/read-blocks.ts';

/** Makes a planned batch's segment and writes down its head and signature: the receipt that exists at once. */
export function sealPlanned(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  planned: PlannedBatch,
): { row: SealedRow; sealed: SealedBatch } {
  const sealed = sealRow(primitives, outbox, writer, planned);
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
 */
export function rebuildSegment(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  row: SealedRow,
): SealedBatch {
  const sealed = sealRow(primitives, outbox, writer, row);
  if (!equalBytes(sealed.segment.sha256, row.sha256)) {
    throw new OutboxDamagedError(
      `Batch ${row.position} does not come out as it was sealed. Keep a copy of the outbox.`,
    );
  }
  return sealed;
}

/** The log's end before a batch: after the one before it. */
export function logEndBefore(outbox: Outbox, position: number): LogEnd {
  if (position === 0) return EMPTY_LOG;
  const before = batchAt(outbox, position - 1);
  if (before === null) throw new OutboxDamagedError(`The outbox does not know the log before batch ${position}.`);
  return endAfter(before);
}

function sealRow(primitives: Primitives, outbox: Outbox, writer: DatasetWriter, row: PlannedBatch): SealedBatch {
  const blocks = readBlocks(outbox, row.fromSeq, row.toSeq);
  if (blocks.length !== row.blocks) {
    throw new OutboxDamagedError(`Batch ${row.position} has ${row.blocks} blocks; ${blocks.length} are on this disk.`);
  }
  // Whether a batch is published was fixed with its nonce.
  const asPlanned = { ...writer, published: row.published };
  return sealBatch(primitives, asPlanned, logEndBefore(outbox, row.position), blocks, row.nonce);
}
