import type { Manifest, ManifestBlock } from '../../core/batch/manifest-fields.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { fromHex } from '../../core/bytes.ts';
import { GCM_TAG_BYTES } from '../../core/limits.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { insertPlanned, type SealedRow, updateSealed } from '../outbox/batch-rows.ts';
import { reduceUnnotedLoss } from '../outbox/losses.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { sealedSeq } from '../outbox/read-backlog.ts';
import { walkBlocks } from '../outbox/read-blocks.ts';
import { keepToPublish } from '../outbox/to-publish.ts';
import type { FetchedFront } from './fetch-front.ts';
import { isStoredAs, PIECE_PARTS } from './find-in-log.ts';
import { isSealedAs } from './stamp-blocks.ts';
import type { StoredBatch } from './verify-stored.ts';

/** Where the stream's writer goes on, as far as batches that are adopted move it. */
export interface StreamPosition {
  /** An outbox put back from a copy has its own lines in the log; later ones there are another device's. */
  moves: boolean;
  /** By how much this run has moved it. */
  adoptedBytes: number;
}

/** What a batch is adopted with. */
export interface AdoptParts {
  readonly primitives: Primitives;
  readonly outbox: Outbox;
  readonly writer: DatasetWriter;
  readonly publishes: boolean;
  readonly stream: StreamPosition;
  readonly nowMs: () => number;
}

/**
 * Takes a verified batch that is stored, but not in the outbox, as the next one of this log: the device goes on behind it.
 * Unsealed blocks that are found in it, in their order, are in a batch from now on and never sealed a second time; their
 * bytes stay until the storage has proven it. The rest was captured by an outbox that is gone: its files are noted, so that
 * a directory's are not captured again, and the stream is that much longer.
 * @returns how many captured blocks were found in it
 */
export function adoptBatch(parts: AdoptParts, batch: StoredBatch, fetched: FetchedFront): number {
  const { primitives, outbox, writer, publishes, nowMs } = parts;
  return outbox.commit(() => {
    const { manifest, leafHashes, end } = batch;
    const { first, serial, head, signature, blocks } = manifest;
    const fromSeq = sealedSeq(outbox);
    const known = findKnown(primitives, outbox, writer, manifest, fromSeq);
    noteUnknown(parts, manifest, known.numbers);
    const row: SealedRow = {
      first,
      state: 'stored',
      blocks: blocks.length,
      fromSeq,
      toSeq: known.toSeq,
      serial,
      random16: new Uint8Array(0),
      after: null,
      beforeAtMs: null,
      plannedMs: nowMs(),
      sha256: fromHex(fetched.sha256Hex),
      segmentBytes: fetched.segmentBytes,
      root: head.root,
      signature,
      end,
      endAtMs: decodeMeta((blocks.at(-1) as ManifestBlock).meta).at,
      adopted: true,
    };
    insertPlanned(outbox, row);
    updateSealed(outbox, row, { leafHashes, front: fetched.bytes });
    if (publishes) keepToPublish(outbox, manifest, 0);
    return known.numbers.size;
  });
}

/** Which of the batch's blocks are the oldest unsealed ones here, in the same order. */
function findKnown(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  manifest: Manifest,
  fromSeq: number,
): { numbers: ReadonlySet<number>; toSeq: number } {
  const captured = walkBlocks(outbox, fromSeq);
  let next = captured.next().value ?? null;
  const numbers = new Set<number>();
  let toSeq = fromSeq;
  for (const [number, listed] of manifest.blocks.entries()) {
    if (next === null) break;
    const { content, meta } = next.block;
    if (!isSealedAs(meta, decodeMeta(listed.meta))) continue;
    const place = { index: manifest.first + number, nonce: manifest.nonce, size: listed.size, sha256: listed.sha256 };
    if (!isStoredAs(primitives, writer, place, content)) continue;
    numbers.add(number);
    toSeq = next.seq + 1;
    next = captured.next().value ?? null;
  }
  captured.return(undefined);
  return { numbers, toSeq };
}

function noteUnknown({ outbox, stream }: AdoptParts, manifest: Manifest, known: ReadonlySet<number>): void {
  let streamBytes = 0;
  const found = { blocks: 0, bytes: 0 };
  for (const [number, { size, meta, sha256 }] of manifest.blocks.entries()) {
    if (known.has(number)) continue;
    const contentBytes = size - (manifest.nonce === null ? 0 : GCM_TAG_BYTES);
    found.blocks++;
    found.bytes += contentBytes;
    const { name, from, part = from ?? 0, parts = from === undefined ? 1 : PIECE_PARTS } = decodeMeta(meta);
    if (name === undefined) streamBytes += contentBytes;
    else {
      outbox
        .sql(
          'INSERT OR REPLACE INTO adopted_parts (name, idx, part, parts, size, nonce, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(name, manifest.first + number, part, parts, size, manifest.nonce ?? new Uint8Array(0), sha256);
    }
  }
  reduceUnnotedLoss(outbox, found);
  if (!stream.moves || streamBytes === 0) return;
  outbox.sql('UPDATE counters SET stream_bytes = stream_bytes + ?').run(streamBytes);
  stream.adoptedBytes += streamBytes;
}
