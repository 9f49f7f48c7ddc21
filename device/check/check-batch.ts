import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { chunkRootFromProof } from '../../core/block/chunk-tree.ts';
import { metaHash } from '../../core/block/meta.ts';
import { equalBytes } from '../../core/bytes.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { Fault, ProvenChunk } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { MAX_CHALLENGE_BLOCKS } from '../../core/wire/requests.ts';

/** The storage did not prove that it has a batch. The bytes stay on the device. */
export class NotProvenError extends PlumblineError {
  override readonly name = 'NotProvenError';
  readonly kind = 'answer';
}

/**
 * Has the storage prove a random chunk of every block of a batch, against what this device sealed. Chunks are drawn by the
 * device, so only whoever has the bytes can answer.
 * @throws NotProvenError naming the first block whose proof is missing or wrong
 */
export async function checkBatch(
  parts: {
    readonly primitives: Primitives;
    readonly writer: Pick<DatasetWriter, 'dataset'>;
    readonly service: Pick<StorageService, 'proveChunks'>;
  },
  manifest: Manifest,
  signal: AbortSignal,
): Promise<void> {
  const randoms = new Map<number, number>();
  for (const number of manifest.blocks.keys()) randoms.set(manifest.first + number, drawU32(parts.primitives));
  let open = [...randoms.keys()];
  while (open.length > 0) {
    const asked = open.slice(0, MAX_CHALLENGE_BLOCKS);
    const challenges = asked.map((index) => ({ index, random: randoms.get(index) as number }));
    const { answers } = await parts.service.proveChunks(parts.writer.dataset, challenges, signal);
    const proven = new Set<number>();
    for (const answer of answers) {
      if (!asked.includes(answer.index) || proven.has(answer.index)) {
        throw new NotProvenError(`The storage answered for block ${answer.index}, which was not asked for.`);
      }
      requireProven(parts.primitives, manifest, answer, randoms.get(answer.index) as number);
      proven.add(answer.index);
    }
    if (proven.size === 0) throw new NotProvenError(`The storage did not answer for block ${asked[0]}.`);
    open = open.filter((index) => !proven.has(index));
  }
}

function requireProven(primitives: Primitives, manifest: Manifest, answer: ProvenChunk | Fault, random: number): void {
  if ('kind' in answer) {
    throw new NotProvenError(`The storage did not prove block ${answer.index} (${answer.kind}): ${answer.reason}`);
  }
  const block = manifest.blocks[answer.index - manifest.first];
  if (block === undefined) throw new NotProvenError(`Block ${answer.index} is not in this batch.`);
  // A wrong size would be another number of chunks: ours is used.
  let root: Uint8Array;
  try {
    root = chunkRootFromProof(primitives, block.size, random, answer);
  } catch (cause) {
    throw new NotProvenError(`The storage's proof for block ${answer.index} is malformed.`, { cause });
  }
  const same =
    answer.size === block.size &&
    equalBytes(answer.sha256, block.sha256) &&
    equalBytes(answer.metaHash, metaHash(primitives, block.meta)) &&
    equalBytes(root, block.chunkRoot);
  if (!same)
    throw new NotProvenError(`The storage's proof for block ${answer.index} does not lead to the recorded block.`);
}

function drawU32(primitives: Primitives): number {
  const bytes = primitives.randomBytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
