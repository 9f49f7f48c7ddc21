import { concat, EXPANSION, expand, hex, type Json } from './reference/bytes.ts';
import { treeHash } from './reference/merkle.ts';
import {
  auditKey,
  contentAad,
  contentBatchKey,
  contentCommitment,
  contentKey,
  digest,
  encryptContent,
  nonce,
  readKey,
  seal,
} from './reference/protocol.ts';

const CASES: [count: number, first: bigint, encrypted: boolean][] = [
  [1, 0n, true],
  [1, 0n, false],
  [2, 1n, true],
  [3, 2n ** 32n - 1n, true],
  [7, 2n ** 48n - 7n, false],
  [1024, 1024n, true],
];

/** Contents to nonce, keys, stored blocks, digests, salt, seals, commitments and records. */
export function sealingVectors(): Json {
  return {
    about: 'sealing and encrypting one batch, specification#sealing',
    expansion: EXPANSION,
    note: 'content i expands {seed: <content>/i, size: sizes[i]}; the meta is the same for all; of 1,024 the first and last are shown',
    cases: CASES.map(([count, first, encrypted]) => sealingCase(count, first, encrypted)),
  };
}

function sealingCase(count: number, first: bigint, encrypted: boolean): Json {
  const seed = `sealing/${count}/${encrypted ? 'encrypted' : 'plain'}`;
  const dataset = expand(`${seed}/dataset`, 32);
  const datasetKey = expand(`${seed}/key`, 32);
  const random16 = expand(`${seed}/random`, 16);
  const meta = Uint8Array.from([0xa1, 0x62, 0x61, 0x74, 0x17]);
  const sizes = Array.from({ length: count }, (_, i) => 1 + ((i * 389) % 1100));
  const contents = sizes.map((size, i) => expand(`${seed}/content/${i}`, size));
  const [audit, read] = [auditKey(datasetKey), readKey(datasetKey)];
  const nonce16 = nonce(read, random16, first, contents);
  const batchKey = contentBatchKey(read, nonce16);
  const indexOf = (i: number) => first + BigInt(i);
  const keys = contents.map((_, i) => (encrypted ? contentKey(batchKey, indexOf(i)) : null));
  const stored = contents.map((content, i) =>
    keys[i] ? encryptContent(keys[i], dataset, indexOf(i), content) : content,
  );
  const digests = stored.map((block, i) => digest(dataset, indexOf(i), block, meta));
  const batch = seal(audit, first, digests);
  const shown = count <= 7 ? contents.map((_, i) => i) : [0, count - 1];
  return {
    dataset: hex(dataset),
    datasetKey: hex(datasetKey),
    auditKey: hex(audit),
    readKey: hex(read),
    first: first.toString(),
    sizes,
    content: `${seed}/content`,
    meta: hex(meta),
    random16: hex(random16),
    contentsRoot: hex(treeHash(contents)),
    nonce: encrypted ? hex(nonce16) : null,
    contentBatchKey: encrypted ? hex(batchKey) : null,
    digestsRoot: hex(treeHash(digests)),
    salt: hex(batch.salt),
    blocks: shown.map((i) => ({
      index: indexOf(i).toString(),
      aad: hex(contentAad(dataset, indexOf(i))),
      contentKey: keys[i] ? hex(keys[i]) : null,
      stored: hex(stored[i]!),
      digest: hex(digests[i]!),
      blockKey: hex(batch.blockKeys[i]!),
      sealed: hex(batch.sealed[i]!),
      commitment: hex(batch.commitments[i]!),
      contentCommitment: hex(contentCommitment(keys[i]!)),
      record: hex(concat(batch.sealed[i]!, batch.commitments[i]!, contentCommitment(keys[i]!))),
    })),
  };
}
