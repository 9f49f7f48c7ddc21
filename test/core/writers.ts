import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import type { CapturedBlock, DatasetWriter } from '../../core/batch/seal-batch.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { address, type DatasetKey, datasetId, type PrivateKey } from '../../core/ids.ts';

export const DOMAIN = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };

/** A device of a dataset of this kind. */
export function writerOf(kind: DatasetKind): DatasetWriter {
  return {
    dataset: datasetId(`0x${'ab'.repeat(31)}0${kind}`),
    kind,
    serial: 1_790_000_000,
    datasetKey: primitives.sha256(Uint8Array.of(kind)) as DatasetKey,
    deviceKey: new Uint8Array(32).fill(9 + kind) as PrivateKey,
    domain: DOMAIN,
  };
}

/** Blocks of these sizes; in an attached dataset pieces of one object, one after the other. */
export function captured(kind: DatasetKind, sizes: readonly number[], key = 'lake/a.parquet'): CapturedBlock[] {
  let offset = 0;
  return sizes.map((size, i) => {
    const block = {
      content: new Uint8Array(size).fill(i + 1),
      meta: { at: 1_790_000_000_000 + i, name: `f${i}` },
      ...(kind === 2 ? { object: { key, versionId: 'v1', offset } } : {}),
    };
    offset += size;
    return block;
  });
}
