/**
 * What the storage answers in one audit: 460 random blocks of a million of 1 MiB, proven by a chunk each, with their
 * records. Bodies are encoded by the code that serves them; hashes in them are random, as only their number matters.
 *
 *     node dev/bench/audit-size.ts [--json]
 *
 * Goal of specification#figures: at most 1 MiB, in one round of parallel requests.
 */
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { NONCE_BYTES } from '../../core/block/content-keys.ts';
import type { Nonce, Salt } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS, MAX_BLOCK_BYTES, MAX_REQUEST_STORED_BYTES, RECORD_BYTES } from '../../core/limits.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { parseRecord } from '../../core/log/record.ts';
import type { LogReader } from '../../core/log/subtree-source.ts';
import type { BatchRecords, ProvenChunk, Records } from '../../core/ports/css.ts';
import { chooseDistinct, uniformBelow } from '../../core/sampling/choose-blocks.ts';
import { encodeProvenChunks, encodeRecords } from '../../core/wire/answers.ts';

const BLOCKS = 1_000_000;
const SAMPLE = 460;
// 32 blocks of 1 MiB fill a batch.
const BATCH_BLOCKS = Math.min(MAX_BATCH_BLOCKS, 32);
const LIMIT = 2 ** 20;

const random = (): Uint8Array => nodePrimitives.randomBytes(32);
const indices = chooseDistinct(nodePrimitives, BLOCKS, SAMPLE);
const records = encodeRecords(await recordsOf(indices));
const perRequest = Math.floor(MAX_REQUEST_STORED_BYTES / MAX_BLOCK_BYTES);
const bodies: number[] = [];
for (let at = 0; at < indices.length; at += perRequest) {
  const answers = indices.slice(at, at + perRequest).map(provenChunk);
  bodies.push(encodeProvenChunks({ answers, remaining: [] }).length);
}
const proofBytes = bodies.reduce((sum, bytes) => sum + bytes, 0);
const total = records.length + proofBytes;
const figure = {
  blocks: BLOCKS,
  sample: SAMPLE,
  requests: bodies.length + 1,
  recordBytes: records.length,
  proofBytes,
  total,
};
if (process.argv.includes('--json')) console.log(JSON.stringify(figure));
else {
  console.log(`${SAMPLE} of ${BLOCKS} blocks of 1 MiB, in batches of ${BATCH_BLOCKS}`);
  console.log(`  records   ${records.length} bytes in 1 request`);
  console.log(`  proofs    ${proofBytes} bytes in ${bodies.length} parallel requests`);
  console.log(`  together  ${total} bytes, ${(total / LIMIT).toFixed(2)} of the goal of 1 MiB`);
}
process.exitCode = total <= LIMIT ? 0 : 1;

async function recordsOf(blocks: readonly number[]): Promise<Records> {
  const log: LogReader = { hasher: nodePrimitives, subtrees: async (subtrees) => subtrees.map(random) };
  const byBatch = Map.groupBy(blocks, (index) => Math.floor(index / BATCH_BLOCKS));
  const batches = [...byBatch].map(([number, members]): BatchRecords => {
    return {
      first: number * BATCH_BLOCKS,
      count: BATCH_BLOCKS,
      serial: 1_800_000_000,
      salt: random() as Salt,
      nonce: random().subarray(0, NONCE_BYTES) as Nonce,
      largestBlockBytes: MAX_BLOCK_BYTES,
      records: members.map((index) => ({ index, record: parseRecord(nodePrimitives.randomBytes(RECORD_BYTES)) })),
    };
  });
  return { batches, proof: await multiproof(log, blocks, BLOCKS), faults: [] };
}

function provenChunk(index: number): ProvenChunk {
  const proof = proveChunk(nodePrimitives, new Uint8Array(MAX_BLOCK_BYTES), uniformBelow(nodePrimitives, 2 ** 32));
  const size = MAX_BLOCK_BYTES;
  return { index, size, sha256: random() as never, metaHash: random() as never, ...proof };
}
