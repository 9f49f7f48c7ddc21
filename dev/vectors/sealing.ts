import { EXPANSION, expand, hex, type Json } from './reference/bytes.ts';
import { treeHash } from './reference/merkle.ts';
import { batchRoot, seal, sealedHash, ZERO32 } from './reference/protocol.ts';

const CASES: [count: number, first: bigint][] = [
  [1, 0n],
  [2, 1n],
  [3, 2n ** 32n - 1n],
  [7, 2n ** 53n - 8n],
  [1024, 1024n],
];

/** digests to salt, keys, sealed digests, commitments and batchRoot, plain and encrypted. */
export function sealingVectors(): Json {
  const cases = CASES.map(([count, first]) => {
    const seed = `sealing/${count}/digests`;
    const datasetKey = expand(`sealing/${count}/key`, 32);
    const all = expand(seed, 32 * count);
    const digests = Array.from({ length: count }, (_, i) => all.slice(32 * i, 32 * i + 32));
    const batch = seal(datasetKey, first, digests);
    const commitment = expand(`sealing/${count}/contentCommitment`, 32);
    const shown = count <= 7 ? digests.map((_, i) => i) : [0, count - 1];
    return {
      datasetKey: hex(datasetKey),
      first: first.toString(),
      count,
      digests: { seed, size: 32 * count },
      digestsRoot: hex(treeHash(digests)),
      salt: hex(batch.salt),
      blocks: shown.map((i) => ({
        index: (first + BigInt(i)).toString(),
        digest: hex(digests[i]!),
        blockKey: hex(batch.blockKeys[i]!),
        sealed: hex(batch.sealed[i]!),
        commitment: hex(batch.commitments[i]!),
      })),
      plain: { contentCommitment: hex(ZERO32), batchRoot: hex(batchRoot(ZERO32, batch.sealed, batch.commitments)) },
      encrypted: {
        contentCommitment: hex(commitment),
        batchRoot: hex(batchRoot(commitment, batch.sealed, batch.commitments)),
      },
      sealedHashWhenPublished: hex(sealedHash(batch.sealed)),
    };
  });
  const note =
    'digests expands to all digests, 32 bytes each; blocks lists every block up to 7, of 1,024 the first and last';
  return { about: 'sealing of one batch, design §4', expansion: EXPANSION, note, cases };
}
