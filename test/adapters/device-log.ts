import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { type CapturedBlock, type DatasetWriter, type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { EMPTY_PEAKS, type Peaks } from '../../core/log/peaks.ts';
import { type LogReader, subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import type { Update } from '../../core/ports/ledger.ts';
import { accountOfKey } from '../../core/typed-data.ts';

export const randomKey = () => new Uint8Array(primitives.randomBytes(32)) as PrivateKey;

const SERIAL = 1_790_000_000;
let names = 0;

/** A dataset with its device: its charter, what is sealed of it, and what is still to be recorded. */
export class DeviceLog {
  readonly charter: SignedCharter;
  readonly writer: DatasetWriter;
  readonly batches: SealedBatch[] = [];
  #recorded: Peaks = EMPTY_PEAKS;

  constructor(domain: DisscDomain, ownerKey: PrivateKey, kind: DatasetKind = 1) {
    const deviceKey = randomKey();
    const charter = {
      owner: accountOfKey(ownerKey),
      name: encodeDatasetName(`log ${++names}`),
      kind,
      device: accountOfKey(deviceKey),
      anchorer: NO_ACCOUNT,
      serial: SERIAL,
      from: 0,
    };
    this.charter = { ...charter, signature: signCharter(domain, charter, ownerKey) };
    this.writer = {
      dataset: datasetOfCharter(domain, charter),
      kind,
      serial: SERIAL,
      datasetKey: primitives.randomBytes(32) as DatasetKey,
      deviceKey,
      domain,
    };
  }

  get dataset() {
    return this.writer.dataset;
  }

  get end(): Peaks {
    return this.batches.at(-1)?.end ?? EMPTY_PEAKS;
  }

  /** All of its records, to make proofs with. */
  get reader(): LogReader {
    return { hasher: primitives, subtrees: subtreesOfLeaves(primitives, this.#leafHashes()) };
  }

  /** Seals the next batch, of blocks with contents of these sizes. */
  seal(sizes: readonly number[]): SealedBatch {
    const from = this.end.size;
    const captured = sizes.map(
      (size, i): CapturedBlock => ({
        content: new Uint8Array(size).fill(from + i + 1),
        meta: { at: 1_790_000_000_000 + from + i },
      }),
    );
    const batch = sealBatch(primitives, this.writer, this.end, captured, new Uint8Array(16).fill(this.batches.length));
    this.batches.push(batch);
    return batch;
  }

  /** What records all that was sealed since the last one. */
  update(): Update {
    const { dataset, head, signature } = (this.batches.at(-1) as SealedBatch).manifest;
    const { peaks, appended } = growthOfLeaves(
      primitives,
      this.#recorded,
      this.#leafHashes().slice(this.#recorded.size),
    );
    this.#recorded = this.end;
    return { dataset, ...head, signature, peaks, appended };
  }

  #leafHashes(): Uint8Array[] {
    return this.batches.flatMap(({ leafHashes }) => [...leafHashes]);
  }
}
