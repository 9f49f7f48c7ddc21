import { recordsOfPublished } from '../../core/batch/published-batch.ts';
import { readKey } from '../../core/block/content-keys.ts';
import { auditKey } from '../../core/block/seal.ts';
import { isZero } from '../../core/bytes.ts';
import { PlumblineError } from '../../core/errors.ts';
import { MAX_BLOCK_BYTES } from '../../core/limits.ts';
import { mendSubtrees } from '../../core/log/mend-subtrees.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { subtreesOfEvents } from '../../core/log/rebuild-peaks.ts';
import type { RecordSource } from '../../core/ports/css.ts';
import type { PublishedEvent, PublishedReader } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';
import type { AnchoredHead } from '../read-anchor.ts';
import { findLog, type ListedSegment, listSegment } from './find-log.ts';
import { type LogBatch, recordsFrom, subtreesOfBatches } from './log-records.ts';

/**
 * The records of a published dataset from the chain alone: its events `Published` and the owner's keys give them, and they
 * count where they lead to what DISSC has recorded (specification#contracts). Anybody may publish anything, so what the
 * dataset's own devices and its owner sent is tried first.
 * @throws LedgerUnavailableError when the chain cannot be read
 *
 * @example
 * import { readAnchor } from 'plumbline/client/read-anchor';
 * const log = await readAnchor(ledger, dataset, 'final', fromBlock);
 * const source = await publishedRecords({ primitives, ledger }, log, { datasetKeyOf, fromBlock });
 * // This dataset publishes nothing.
 * console.log((await source.getRecords(dataset, [0], log.head.size)).batches.length); // 0
 */
export async function publishedRecords(
  deps: { readonly primitives: Primitives; readonly ledger: PublishedReader },
  log: AnchoredHead,
  keys: { readonly datasetKeyOf: DatasetKeyOf; readonly fromBlock: number },
  signal?: AbortSignal,
): Promise<RecordSource> {
  const { primitives, ledger } = deps;
  const { head, anchor, recorded } = log;
  const events = await ledger.findPublished(head.dataset, keys.fromBlock, anchor.point.blockNumber, signal);
  const batches = new Map<string, LogBatch>();
  const listed: ListedSegment[] = [];
  for (const event of ownFirst(events, log)) {
    const batch = batchOf(primitives, keys.datasetKeyOf, event);
    if (batch === null || batch.first + batch.count > head.size) continue;
    const key = String(batches.size);
    batches.set(key, batch);
    listed.push(listSegment(primitives, { key, first: batch.first, root: null }, batch.records));
  }
  const found = [...findLog(primitives, listed, recorded).values()].sort((a, b) => a.first - b.first);
  const batchUnder = async (key: string): Promise<LogBatch | null> => batches.get(key) ?? null;
  const subtrees = mendSubtrees(primitives, [
    subtreesOfEvents(primitives, recorded).subtrees,
    subtreesOfBatches(primitives, found, batchUnder),
  ]);
  return recordsFrom(found, batchUnder, (blocks, size) => multiproof({ hasher: primitives, subtrees }, blocks, size));
}

function ownFirst(events: readonly PublishedEvent[], { charters, recorded }: AnchoredHead): PublishedEvent[] {
  const own = new Set([
    ...recorded.map(({ signer }) => signer),
    ...charters.chartered.flatMap(({ charter }) => [charter.owner, charter.device]),
  ]);
  return [...events.filter(({ sender }) => own.has(sender)), ...events.filter(({ sender }) => !own.has(sender))];
}

/** Null for what cannot be a batch. */
function batchOf(primitives: Primitives, datasetKeyOf: DatasetKeyOf, event: PublishedEvent): LogBatch | null {
  const { first, serial, salt, nonce } = event;
  try {
    const datasetKey = datasetKeyOf(serial);
    const keys = { auditKey: auditKey(primitives, datasetKey), readKey: readKey(primitives, datasetKey) };
    const records = recordsOfPublished(primitives, keys, event);
    return {
      first,
      count: records.length,
      serial,
      salt,
      nonce: isZero(nonce) ? null : nonce,
      // Nothing on the chain says how large blocks are.
      largestBlockBytes: MAX_BLOCK_BYTES,
      records,
    };
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}
