import { concat, EXPANSION, expand, hex, type Json, u8, u32 } from './reference/bytes.ts';
import { consistencyProof, inclusionPath, leafHash, treeHash } from './reference/merkle.ts';
import { type Batch, batchLeaf, sealedHash, ZERO32 } from './reference/protocol.ts';

const COUNTS = [1, 2, 3, 1024, 7, 1, 5, 256];
const SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 100, 257];
const INCLUSION: [batch: number, batches: number][] = [
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 3],
  [1, 3],
  [2, 3],
  [3, 5],
  [4, 5],
  [0, 7],
  [4, 7],
  [5, 7],
  [6, 7],
  [5, 8],
  [8, 9],
  [15, 16],
  [16, 17],
  [0, 100],
  [63, 100],
  [64, 100],
  [96, 100],
  [99, 100],
  [0, 257],
  [128, 257],
  [255, 257],
  [256, 257],
];
const CONSISTENCY: [from: number, to: number][] = [
  [1, 1],
  [1, 2],
  [1, 3],
  [2, 3],
  [2, 4],
  [3, 4],
  [3, 5],
  [4, 5],
  [3, 7],
  [4, 7],
  [6, 7],
  [6, 8],
  [7, 8],
  [8, 9],
  [1, 9],
  [5, 9],
  [9, 16],
  [16, 17],
  [15, 17],
  [17, 100],
  [64, 100],
  [99, 100],
  [1, 257],
  [100, 257],
  [128, 257],
  [255, 257],
  [256, 257],
  [257, 257],
];

interface LoggedBatch extends Batch {
  sealed: Uint8Array[] | null;
}

/** One dataset's log of 257 batches, rooted and published mixed. */
export function logVectors(): Json {
  const dataset = expand('log/dataset', 32);
  const batches: LoggedBatch[] = [];
  let size = 0n;
  for (let i = 0; i < 257; i++) {
    const count = COUNTS[i % COUNTS.length]!;
    const published = i % 3 === 1 && count <= 7;
    const sealed = published ? Array.from({ length: count }, (_, j) => expand(`log/${i}/sealed/${j}`, 32)) : null;
    batches.push({
      dataset,
      first: size,
      count,
      salt: expand(`log/${i}/salt`, 32),
      batchRoot: expand(`log/${i}/batchRoot`, 32),
      sealed,
      sealedHash: sealed ? sealedHash(sealed) : ZERO32,
    });
    size += BigInt(count);
  }
  const leaves = batches.map(batchLeaf);
  return {
    about: 'batch leaves, heads, RFC 9162 inclusion paths and consistency proofs of one log',
    expansion: EXPANSION,
    note:
      'salt and batchRoot of batch i are {seed: "log/i/salt", size: 32} and {seed: "log/i/batchRoot", size: 32}; update is ' +
      'the packed form that record takes (design §5), for the first 17 batches',
    dataset: hex(dataset),
    batches: batches.map((batch, i) => ({
      first: batch.first.toString(),
      count: batch.count,
      published: batch.sealed !== null,
      salt: hex(batch.salt),
      batchRoot: hex(batch.batchRoot),
      ...(batch.sealed ? { sealed: hex(concat(...batch.sealed)) } : {}),
      sealedHash: hex(batch.sealedHash),
      ...(i < 17 ? { leaf: hex(leaves[i]!) } : {}),
      leafHash: hex(leafHash(leaves[i]!)),
    })),
    heads: SIZES.map((n) => ({
      size: (batches[n - 1]!.first + BigInt(batches[n - 1]!.count)).toString(),
      batches: n,
      root: hex(treeHash(leaves.slice(0, n))),
    })),
    inclusion: INCLUSION.map(([batch, n]) => ({
      batch,
      batches: n,
      path: inclusionPath(batch, leaves.slice(0, n)).map(hex),
    })),
    consistency: CONSISTENCY.map(([from, to]) => ({
      from,
      to,
      proof: consistencyProof(from, leaves.slice(0, to)).map(hex),
    })),
    update: {
      leaves: hex(concat(...batches.slice(0, 17).map(packed))),
      sealed: hex(concat(...batches.slice(0, 17).flatMap((batch) => batch.sealed ?? []))),
    },
  };
}

const packed = (batch: LoggedBatch): Uint8Array =>
  concat(u8(batch.sealed ? 1 : 0), u32(batch.count), batch.salt, batch.batchRoot);
