import { open, writeFile } from 'node:fs/promises';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { metaHash } from '../../core/block/meta.ts';
import { auditKey, blockKeys } from '../../core/block/seal.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import type { EvidenceBlock, EvidenceFile } from '../../core/evidence/evidence.ts';
import type { Nonce } from '../../core/ids.ts';
import { MAX_CONTENT_BYTES } from '../../core/limits.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { charterOf, writerOf } from './honest-storage.ts';

/** As many full blocks as fit into a batch. */
const BATCH = 31;

/**
 * Writes a file of so many full blocks, and evidence of it, opened, batch by batch: neither is ever in memory whole.
 * @returns bytes of the file
 */
export async function writeLargeEvidence(
  kind: DatasetKind,
  blocks: number,
  { file, evidence }: { readonly file: string; readonly evidence: string },
): Promise<number> {
  const writer = writerOf(kind);
  const shown: EvidenceBlock[] = [];
  let end = EMPTY_PEAKS;
  let head: Pick<EvidenceFile['head'], 'size' | 'root' | 'signature'> | null = null;
  const written = await open(file, 'w');
  try {
    while (end.size < blocks) {
      const first = end.size;
      const captured = Array.from({ length: Math.min(BATCH, blocks - first) }, (_, number) => {
        const content = new Uint8Array(MAX_CONTENT_BYTES).fill((first + number) % 251);
        new DataView(content.buffer).setUint32(0, first + number);
        return {
          content,
          meta: { at: 1_790_000_000_000 + first + number, name: 'large', part: first + number, parts: blocks },
        };
      });
      for (const { content } of captured) await written.write(content);
      const sealed = sealBatch(primitives, writer, end, captured, new Uint8Array(16).fill(1 + (first % 251)));
      const { manifest } = sealed;
      const keyOf = blockKeys(primitives, auditKey(primitives, writer.datasetKey), manifest.salt);
      const batchKey =
        manifest.nonce === null
          ? null
          : contentBatchKey(primitives, readKey(primitives, writer.datasetKey), manifest.nonce as Nonce);
      for (const [number, { size, sha256, chunkRoot, meta, record }] of manifest.blocks.entries()) {
        const index = first + number;
        shown.push({
          ...{ index, opening: { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) }, meta, record },
          ...{ blockKey: keyOf(index), contentKey: batchKey === null ? null : contentKey(primitives, batchKey, index) },
          ...{ object: null, bytes: null },
        });
      }
      end = sealed.end;
      head = { ...manifest.head, signature: manifest.signature };
    }
  } finally {
    await written.close();
  }
  if (head === null) throw new Error('A file has a block at least.');
  const { dataset, serial, domain } = writer;
  const place = { blockHash: new Uint8Array(32).fill(0xb1), blockNumber: 120, timeSeconds: 1_790_000_900 };
  const made: EvidenceFile = {
    ...{
      domain,
      dataset,
      charters: [{ charter: charterOf(kind), chartered: null }],
      head: { dataset, serial, ...head },
    },
    ...{ record: { ...place, txHash: new Uint8Array(32).fill(0x77) }, round: null, blocks: shown },
    // Of all blocks of a log, nothing but they is needed.
    ...{ proof: [], range: null, after: [], timestamp: null },
  };
  await writeFile(evidence, encodeEvidence(made));
  return blocks * MAX_CONTENT_BYTES;
}
