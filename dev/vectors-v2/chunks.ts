import { EXPANSION, expand, hex, type Json } from '../vectors/reference/bytes.ts';
import { inclusionPath, treeHash } from '../vectors/reference/merkle.ts';
import { chunksOf, MIB } from './reference/protocol.ts';

const CASES: [sizeBytes: number, numbers: number[]][] = [
  [1, [0, 7, 2 ** 32 - 1]],
  [1024, [0, 1]],
  [1025, [0, 1, 2, 3]],
  [2049, [0, 1, 2, 2 ** 32 - 1]],
  [5000, [0, 1, 2, 3, 4, 1_000_003]],
  [6144, [0, 4, 5]],
  [7169, [0, 5, 6, 7, 15]],
  [65_537, [0, 31, 63, 64, 65]],
  [MIB - 16, [0, 511, 1023]],
  [MIB, [0, 1, 512, 1023, 1024, 2 ** 32 - 1]],
];

/** Chunk r mod n of a block, and its inclusion path under chunkRoot. */
export function chunkVectors(): Json {
  const blocks = CASES.map(([sizeBytes, numbers]) => {
    const seed = `chunks/${sizeBytes}`;
    const chunks = chunksOf(expand(seed, sizeBytes));
    return {
      block: { seed, size: sizeBytes },
      chunks: chunks.length,
      chunkRoot: hex(treeHash(chunks)),
      proofs: numbers.map((r) => {
        const index = r % chunks.length;
        return { r, index, chunk: hex(chunks[index]!), path: inclusionPath(index, chunks).map(hex) };
      }),
    };
  });
  return { about: 'chunk r mod n with its RFC 9162 inclusion path', expansion: EXPANSION, blocks };
}
