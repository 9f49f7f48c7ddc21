import { type DatasetWriter, type SealedBatch, sealBatchInSteps } from '../../core/batch/seal-batch.ts';
import { counted } from '../../core/counted.ts';
import { StateError } from '../../core/errors.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { PlannedBatch } from '../outbox/batch-rows.ts';
import { BatchDamagedError } from '../outbox/errors.ts';
import { peaksBefore } from '../outbox/log-end.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { readBlocks } from '../outbox/read-blocks.ts';
import type { Mutex } from '../steps/mutex.ts';
import { takeTurns } from '../steps/take-turns.ts';
import { stampBlocks } from './stamp-blocks.ts';

/** What batches are made with. */
export interface SealingParts {
  readonly primitives: Primitives;
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'nextTurn'>;
  readonly outbox: Outbox;
  readonly writer: DatasetWriter;
  /** Whether sealed digests go onto the chain, too: then they are kept until they are there. */
  readonly publishes: boolean;
  /** One batch at a time, as each takes three times its size while it is made. */
  readonly making: Mutex;
}

/**
 * Makes a batch of captured blocks, byte for byte what its row determines. Others have their turn meanwhile; none of them
 * may change the log's end.
 * @throws BlocksDamagedError | BatchDamagedError when its blocks are not what was captured, or not all there
 * @throws StateError when another device has sealed it, whose keys are not here
 */
export function makeBatch(parts: SealingParts, row: PlannedBatch): Promise<SealedBatch> {
  const { primitives, runtime, outbox, writer, making } = parts;
  return making.run(() => {
    if (row.serial !== writer.serial) {
      throw new StateError(`This dataset's former device sealed the batch at block ${row.first}.`);
    }
    const blocks = readBlocks(outbox, row.fromSeq, row.toSeq);
    if (blocks.length !== row.blocks) {
      throw new BatchDamagedError(
        `The batch at block ${row.first} has ${counted(row.blocks, 'block')}, but only ${blocks.length} are on this disk.`,
        Math.max(0, row.blocks - blocks.length),
      );
    }
    const before = peaksBefore(outbox, row.first);
    const stamped = stampBlocks(blocks, row);
    return takeTurns(runtime, sealBatchInSteps(primitives, writer, before, stamped, row.random16));
  });
}
