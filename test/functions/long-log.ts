import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { Manifest, ManifestBlock } from '../../core/batch/manifest-fields.ts';
import { toHex } from '../../core/bytes.ts';
import type { Address, DatasetId, LogRoot, Nonce, Salt } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import type { Head } from '../../core/log/head.ts';
import { appendLeaves, EMPTY_PEAKS, rootOfPeaks } from '../../core/log/peaks.ts';
import { parseRecord, recordHash } from '../../core/log/record.ts';
import type { Table } from '../../core/ports/table.ts';
import { appendSegment } from '../../functions/log/append-segment.ts';
import type { LogEntry } from '../../functions/state/entries.ts';
import { appendLogEntry } from '../../functions/state/log-entry.ts';
import { keepRecords } from '../../functions/state/records-entry.ts';

export interface LongLog {
  readonly batches: number;
  readonly blocksPerBatch: number;
}

const SERIAL = 1_800_000_000;
const SIGNER = `0x${'51'.repeat(20)}` as Address;

/**
 * Grows a log as checking in does, batch by batch and by its own functions, without segments: their records are random, and
 * nobody has signed them.
 */
export async function growLongLog(
  table: Table,
  dataset: DatasetId,
  { batches, blocksPerBatch }: LongLog,
): Promise<Head> {
  let end: LogEntry | null = null;
  let peaks = EMPTY_PEAKS;
  for (let batch = 0; batch < batches; batch++) {
    const blocks = randomBlocks(blocksPerBatch);
    const first = peaks.size;
    peaks = appendLeaves(
      nodePrimitives,
      peaks,
      blocks.map(({ record }) => recordHash(nodePrimitives, record)),
    );
    const manifest: Manifest = {
      ...{ dataset, serial: SERIAL, first, blocks, signature: new Uint8Array(65) },
      salt: nodePrimitives.randomBytes(32) as Salt,
      nonce: nodePrimitives.randomBytes(16) as Nonce,
      head: { size: peaks.size, root: rootOfPeaks(nodePrimitives, peaks) as LogRoot },
    };
    const sha256Hex = toHex(nodePrimitives.randomBytes(32));
    end = appendSegment(nodePrimitives, end, { sha256Hex, signer: SIGNER }, manifest);
    if (end === null) throw new Error(`Batch ${batch} does not follow on the one before.`);
    await keepRecords({ table, primitives: nodePrimitives }, dataset, sha256Hex, manifest);
    if (!(await appendLogEntry(table, dataset, end))) throw new Error(`Batch ${batch} is there already.`);
  }
  return { dataset, size: peaks.size, root: rootOfPeaks(nodePrimitives, peaks) as LogRoot };
}

function randomBlocks(count: number): ManifestBlock[] {
  const random = nodePrimitives.randomBytes(count * RECORD_BYTES);
  return Array.from({ length: count }, (_, i) => {
    const record = parseRecord(random.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES));
    return { record, size: 1_000 } as ManifestBlock;
  });
}
