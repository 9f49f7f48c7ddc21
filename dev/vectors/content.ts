import { EXPANSION, expand, hex, type Json, sha256 } from './reference/bytes.ts';
import {
  contentAad,
  contentBatchKey,
  contentCommitment,
  contentKey,
  encryptContent,
  MIB,
} from './reference/protocol.ts';

const BATCHES: [name: string, blocks: [index: bigint, sizeBytes: number][]][] = [
  [
    'first',
    [
      [0n, 1],
      [1n, 15],
      [2n, 16],
      [3n, 17],
      [4n, 1000],
    ],
  ],
  [
    'late',
    [
      [2n ** 32n, 33],
      [2n ** 53n - 1n, 64],
      [7n, MIB - 16],
    ],
  ],
];

/** nonce to keys, content to stored block. */
export function contentVectors(): Json {
  const batches = BATCHES.map(([name, blocks]) => {
    const dataset = expand(`content/${name}/dataset`, 32);
    const datasetKey = expand(`content/${name}/key`, 32);
    const nonce = expand(`content/${name}/nonce`, 16);
    const batchKey = contentBatchKey(datasetKey, nonce);
    return {
      dataset: hex(dataset),
      datasetKey: hex(datasetKey),
      nonce: hex(nonce),
      contentBatchKey: hex(batchKey),
      contentCommitment: hex(contentCommitment(batchKey)),
      blocks: blocks.map(([index, sizeBytes]) => {
        const seed = `content/${name}/${index}`;
        const content = expand(seed, sizeBytes);
        const key = contentKey(batchKey, index);
        const block = encryptContent(key, dataset, index, content);
        return {
          index: index.toString(),
          content: sizeBytes <= 1000 ? hex(content) : { seed, size: sizeBytes },
          contentKey: hex(key),
          iv: hex(new Uint8Array(12)),
          aad: hex(contentAad(dataset, index)),
          // ciphertext with the 16-byte tag; of the largest only its hash and ends
          ...(sizeBytes <= 1000
            ? { block: hex(block) }
            : { blockStart: hex(block.slice(0, 32)), blockEnd: hex(block.slice(-32)) }),
          size: block.length,
          sha256: hex(sha256(block)),
        };
      }),
    };
  });
  return { about: 'content encryption, design §4', expansion: EXPANSION, batches };
}
