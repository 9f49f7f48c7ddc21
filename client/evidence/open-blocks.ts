import type { Manifest, ManifestBlock } from '../../core/batch/manifest-fields.ts';
import { contentBatchKey, contentKey } from '../../core/block/content-keys.ts';
import type { Opening } from '../../core/block/digest.ts';
import { type BlockMeta, decodeMeta, metaHash } from '../../core/block/meta.ts';
import { blockKeys } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { KeyError, ProofError, StateError } from '../../core/errors.ts';
import type { EvidenceBlock } from '../../core/evidence/evidence.ts';
import { requireStored } from '../../core/evidence/verify-evidence.ts';
import type { BlockIndex, ContentKey, DatasetId } from '../../core/ids.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import type { Head } from '../../core/log/head.ts';
import { joinMultiproofs } from '../../core/log/multiproof.ts';
import { recordBytes } from '../../core/log/record.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { judgeOpening } from '../../core/protocols/judge-block.ts';
import { type ProvenRecord, proveRecords } from '../../core/protocols/prove-records.ts';
import type { BlockSource } from '../owner/block-source.ts';
import type { AnchoredHead } from '../read-anchor.ts';
import type { EvidenceKeys } from './evidence-keys.ts';

export interface OpenerDeps {
  readonly primitives: Primitives;
  readonly dataset: DatasetId;
  readonly keys: EvidenceKeys;
  readonly source: BlockSource;
  readonly log: AnchoredHead;
}

/** What is shown of each block beside its opening. */
export interface Shown {
  readonly metas: boolean;
  readonly content: boolean;
  readonly bytes: boolean;
}

/** Opens blocks with the owner's or an auditor's keys: nothing the storage lists is believed before it opens the record. */
export class BlockOpener {
  readonly #deps: OpenerDeps;
  readonly #signal: AbortSignal | undefined;

  constructor(deps: OpenerDeps, signal: AbortSignal | undefined) {
    this.#deps = deps;
    this.#signal = signal;
  }

  /**
   * What a block says about itself, opened and compared; null where the storage shows nothing that opens its record.
   * @throws ProofError when a meta that opens its record is not canonical
   */
  async readMeta(index: BlockIndex): Promise<BlockMeta | null> {
    const record = await this.#prove(index);
    const manifest = record === null ? null : await this.#deps.source.readManifest(record);
    const line = manifest?.blocks[index - manifest.first];
    if (record === null || line === undefined) return null;
    return this.#opens(record, line) ? decodeMeta(line.meta) : null;
  }

  /** First block of the batch that the storage says a block is in, and the metas of that batch up to it; the newest last. */
  async readBatchBefore(
    index: BlockIndex,
  ): Promise<{ readonly first: BlockIndex; readonly metas: readonly BlockMeta[] } | null> {
    this.#signal?.throwIfAborted();
    const record = await this.#prove(index);
    const manifest = record === null ? null : await this.#deps.source.readManifest(record);
    if (manifest === null || index < manifest.first) return null;
    const lines = manifest.blocks.slice(0, index - manifest.first + 1);
    return { first: manifest.first, metas: lines.map(({ meta }) => decodeMeta(meta)) };
  }

  /** The manifest whose batch ends a head. */
  async readLastManifest(head: Head): Promise<Manifest | null> {
    const record = await this.#prove(head.size - 1);
    return record === null ? null : this.#deps.source.readManifest(record);
  }

  /**
   * The blocks, opened, with one proof of all of them in a head.
   * @throws StateError naming a block that the storage cannot prove or open
   */
  async open(
    head: Head,
    blocks: readonly BlockIndex[],
    shown: Shown,
    onBlock: (done: number) => void,
  ): Promise<{ readonly blocks: EvidenceBlock[]; readonly proof: Uint8Array[] }> {
    const { primitives, dataset, source } = this.#deps;
    const opened: EvidenceBlock[] = [];
    const parts: { positions: readonly BlockIndex[]; nodes: readonly Uint8Array[] }[] = [];
    for (let at = 0; at < blocks.length; at += MAX_RECORD_BLOCKS) {
      this.#signal?.throwIfAborted();
      const window = blocks.slice(at, at + MAX_RECORD_BLOCKS);
      const { batches, proof, faults } = await source.records.getRecords(dataset, window, head.size, this.#signal);
      const records = batches.flatMap(({ records: some, ...batch }) => some.map((one) => ({ ...one, batch })));
      const byIndex = new Map(records.map((record) => [record.index, record]));
      const missing = window.find((index) => !byIndex.has(index));
      if (missing !== undefined) {
        const why = faults.find(({ index }) => index === missing)?.reason ?? 'The storage returned no record.';
        throw new StateError(
          `Block ${missing} cannot be proven under the head of ${counted(head.size, 'block')}. ${why}`,
        );
      }
      requireRecords(primitives, head, records, proof);
      parts.push({ positions: window, nodes: proof });
      for (const index of window) {
        opened.push(await this.#open(byIndex.get(index) as ProvenRecord, shown));
        onBlock(opened.length);
      }
    }
    return { blocks: opened, proof: joinMultiproofs(parts, head.size) };
  }

  async #open(record: ProvenRecord, shown: Shown): Promise<EvidenceBlock> {
    const { primitives, source } = this.#deps;
    const { index } = record;
    const manifest = await source.readManifest(record);
    const line = manifest?.blocks[index - manifest.first];
    if (line === undefined) throw new StateError(`The storage no longer shows the manifest with block ${index}.`);
    if (!this.#opens(record, line)) {
      throw new ProofError(
        `The storage's entry for block ${index} does not match its record: salt, serial or hashes differ from the recorded ones.`,
      );
    }
    const { size, sha256, chunkRoot, meta, object } = line;
    return {
      index,
      opening: { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) },
      meta: shown.metas ? meta : null,
      blockKey: this.#blockKeyOf(record),
      record: record.record,
      contentKey: shown.content ? this.#contentKeyOf(record) : null,
      object: shown.metas ? object : null,
      bytes: shown.bytes
        ? await this.#readBytes(record, { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) })
        : null,
    };
  }

  async #prove(index: BlockIndex): Promise<ProvenRecord | null> {
    const { primitives, source, log } = this.#deps;
    const deps = { hasher: primitives, records: source.records };
    return (await proveRecords(deps, log.heads, [index], this.#signal)).proven[0] ?? null;
  }

  #opens(record: ProvenRecord, line: ManifestBlock): boolean {
    const { primitives, dataset } = this.#deps;
    if (!equalBytes(recordBytes(line.record), recordBytes(record.record))) return false;
    const { size, sha256, chunkRoot, meta } = line;
    const opening = { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) };
    const trial = { dataset, record, evidence: 'attested' as const, signer: null };
    return judgeOpening(primitives, trial, this.#blockKeyOf(record), opening).verdict === 'intact';
  }

  #blockKeyOf({ index, batch }: ProvenRecord): EvidenceBlock['blockKey'] {
    const { primitives, keys } = this.#deps;
    return blockKeys(primitives, keys.auditKeyOf(batch.serial), batch.salt)(index);
  }

  /** That it is the committed one, the check of all evidence says at the end. */
  #contentKeyOf({ index, batch }: ProvenRecord): ContentKey | null {
    const { primitives, keys } = this.#deps;
    if (batch.nonce === null) return null;
    if (keys.readKeyOf === null) throw new KeyError('An auditor has no content keys. Leave out --open.');
    return contentKey(primitives, contentBatchKey(primitives, keys.readKeyOf(batch.serial), batch.nonce), index);
  }

  async #readBytes(record: ProvenRecord, opening: Opening): Promise<Uint8Array> {
    const stored = await this.#deps.source.retrieve(record, this.#signal);
    if ('kind' in stored)
      throw new StateError(`The bytes of block ${record.index} are not available. ${stored.reason}`);
    requireStored(this.#deps.primitives, record.index, opening, stored.block);
    // Of a segment that lies in memory whole: the evidence outlives it.
    return stored.block.slice();
  }
}
