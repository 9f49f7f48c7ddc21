import { readSegmentFront } from '../../core/batch/read-segment.ts';
import type { CapturedBlock, SealedBatch } from '../../core/batch/seal-batch.ts';
import { contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { auditKey, blockKeys } from '../../core/block/seal.ts';
import { concatBytes } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { signCharter } from '../../core/charter/charter.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import type { EvidenceBlock, EvidenceFile, EvidenceRound } from '../../core/evidence/evidence.ts';
import { type Address, address, type RoundRoot } from '../../core/ids.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { leafOfHead } from '../../core/rounds/map-leaf.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { charterOf, OWNER_KEY, sealLog, writerOf } from './honest-storage.ts';
import { MemoryPages } from './memory-pages.ts';

export const ANCHORER = address(`0x${'a7'.repeat(20)}`);
export const AFTER = { blockHash: new Uint8Array(32).fill(0xaf), blockNumber: 90, timeSeconds: 1_789_999_000 };
export const AT_MS = 1_790_000_000_000;

export interface Fixture {
  readonly evidence: EvidenceFile;
  readonly batches: readonly SealedBatch[];
  /** Of each block shown, in their order. */
  readonly contents: readonly Uint8Array[];
  readonly stored: readonly Uint8Array[];
}

export interface FixtureOptions {
  readonly kind?: DatasetKind;
  readonly sizes?: readonly (readonly number[])[];
  readonly blocks?: readonly number[];
  readonly open?: boolean;
  readonly withBytes?: boolean;
  readonly anchored?: boolean;
  readonly range?: { readonly from: number; readonly to: number };
  readonly capture?: (index: number, sizeBytes: number) => CapturedBlock;
}

/** A block of a file `f<index>`, captured a second after the one before it. */
export function fileBlock(kind: DatasetKind): (index: number, sizeBytes: number) => CapturedBlock {
  return (index, sizeBytes) => ({
    content: new Uint8Array(sizeBytes).map((_, at) => (index * 31 + at * 7 + (at >> 8)) % 256),
    meta: { at: AT_MS + 1000 * index, name: `f${index}.bin`, after: AFTER.blockHash },
    ...(kind === 2 ? { object: { key: `lake/f${index}.bin`, versionId: 'v1', offset: 0 } } : {}),
  });
}

/** Evidence of some blocks of a log that a device has sealed: everything is real but the chain, which nobody has asked yet. */
export async function evidenceOf(primitives: Primitives, options: FixtureOptions = {}): Promise<Fixture> {
  const {
    kind = 0,
    sizes = [
      [1500, 40, 1024],
      [3000, 1, 77, 5000],
    ],
    blocks = [1, 2, 5],
  } = options;
  const writer = writerOf(kind);
  const charter = anchoredCharter(charterOf(kind), options.anchored === true ? ANCHORER : null);
  const capture = options.capture ?? fileBlock(kind);
  const batches = sealLog(primitives, sizes, writer, capture);
  const last = batches.at(-1) as SealedBatch;
  const { head, signature } = last.manifest;
  const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
  const proof = await multiproof(
    { hasher: primitives, subtrees: subtreesOfLeaves(primitives, leaves) },
    blocks,
    head.size,
  );
  const signed = { dataset: writer.dataset, ...head, serial: writer.serial, signature };
  const transaction = {
    txHash: new Uint8Array(32).fill(0x77),
    ...{ blockHash: new Uint8Array(32).fill(0xb1), blockNumber: 120, timeSeconds: 1_790_000_900 },
  };
  const shown: EvidenceBlock[] = [];
  const contents: Uint8Array[] = [];
  const stored: Uint8Array[] = [];
  for (const index of blocks) {
    const batch = batches.find(({ manifest }) => index < manifest.head.size) as SealedBatch;
    const { manifest } = batch;
    const number = index - manifest.first;
    const line = manifest.blocks[number] as (typeof manifest.blocks)[number];
    const captured = capture(index, sizes.flat()[index] as number);
    const { offsets } = readSegmentFront(primitives, batch.segment.car);
    const start = offsets[number];
    const bytes =
      kind === 2 || start === undefined ? captured.content : batch.segment.car.slice(start, start + line.size);
    contents.push(captured.content);
    stored.push(bytes);
    shown.push({
      index,
      opening: {
        size: line.size,
        sha256: line.sha256,
        chunkRoot: line.chunkRoot,
        metaHash: primitives.sha256(line.meta) as EvidenceBlock['opening']['metaHash'],
      },
      meta: line.meta,
      blockKey: blockKeys(primitives, auditKey(primitives, writer.datasetKey), manifest.salt)(index),
      record: line.record,
      contentKey:
        options.open === true && manifest.nonce !== null
          ? contentKey(
              primitives,
              contentBatchKey(primitives, readKey(primitives, writer.datasetKey), manifest.nonce),
              index,
            )
          : null,
      object: line.object,
      bytes: options.withBytes === true ? bytes : null,
    });
  }
  return {
    batches,
    contents,
    stored,
    evidence: {
      domain: writer.domain,
      dataset: writer.dataset,
      charters: [{ charter, chartered: null }],
      head: signed,
      record: options.anchored === true ? null : transaction,
      round: options.anchored === true ? await roundOf(primitives, signed, transaction) : null,
      blocks: shown,
      proof,
      range: options.range ?? null,
      after: capture(0, 1).meta.after === undefined ? [] : [AFTER],
      timestamp: null,
    },
  };
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...parts);
}

function anchoredCharter(charter: SignedCharter, anchorer: Address | null): SignedCharter {
  if (anchorer === null) return charter;
  const named = { ...charter, anchorer };
  return { ...named, signature: signCharter(writerOf(charter.kind).domain, named, OWNER_KEY) };
}

/** A round with three datasets in it. */
async function roundOf(
  primitives: Primitives,
  head: EvidenceFile['head'],
  transaction: NonNullable<EvidenceFile['record']>,
): Promise<EvidenceRound> {
  const pages = new MemoryPages();
  const leaf = leafOfHead(primitives, head);
  const others = ['11', 'ee'].map((byte) => ({ ...leaf, dataset: `0x${byte.repeat(32)}` as typeof leaf.dataset }));
  const changes = [leaf, ...others].map((one) => ({ dataset: one.dataset, leaf: one }));
  const { map } = await updateMap(primitives, pages, new Uint8Array(32) as Parameters<typeof updateMap>[2], changes);
  const { path } = await proveInMap(primitives, pages, map, head.dataset);
  return {
    ...transaction,
    anchorer: ANCHORER,
    number: 4,
    previous: new Uint8Array(32).fill(3) as RoundRoot,
    history: new Uint8Array(32).fill(4) as EvidenceRound['history'],
    path,
  };
}
