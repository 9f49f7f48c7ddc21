import { EXPANSION, expand, hex, type Json, sha256 } from './reference/bytes.ts';
import { encode } from './reference/dag-cbor.ts';
import { chunkRoot, DOMAIN, datasetId, digest, MIB, name32 } from './reference/protocol.ts';

const SIZES = [1, 2, 1023, 1024, 1025, 2048, 2049, 65_536, 65_537, MIB - 16, MIB];
const INDICES = [0n, 1n, 2n ** 32n, 2n ** 48n - 1n];

/** Block, meta and BlockId to digest. */
export function digestVectors(): Json {
  const dataset = datasetId(DOMAIN.chainId, DOMAIN.verifyingContract, `0x${'11'.repeat(20)}`, name32('digests'), 1);
  const metas = [
    encode({ at: 0 }),
    encode({ at: 1_790_000_000_123, clock: 1 }),
    encode({ at: 1_790_000_000_123, name: 'a.csv', type: 'text/csv', part: 1, parts: 3 }),
  ];
  const cases = SIZES.flatMap((sizeBytes, i) => {
    const seed = `digests/${sizeBytes}`;
    const block = expand(seed, sizeBytes);
    // Small blocks at every index, large ones at one each: their cost is in the bytes.
    const indices = sizeBytes <= 1025 ? INDICES : [INDICES[i % INDICES.length]!];
    return indices.map((index, j) => {
      const meta = metas[(i + j) % metas.length]!;
      return {
        dataset: hex(dataset),
        index: index.toString(),
        block: sizeBytes <= 64 ? hex(block) : { seed, size: sizeBytes },
        meta: hex(meta),
        size: sizeBytes,
        sha256: hex(sha256(block)),
        chunkRoot: hex(chunkRoot(block)),
        metaHash: hex(sha256(meta)),
        digest: hex(digest(dataset, index, block, meta)),
      };
    });
  });
  return { about: 'digest of a stored block, specification#digest', expansion: EXPANSION, cases };
}
