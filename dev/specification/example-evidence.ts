import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { metaHash } from '../../core/block/meta.ts';
import { auditKey, blockKeys } from '../../core/block/seal.ts';
import { utf8 } from '../../core/bytes.ts';
import { datasetOfCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { type DatasetKind, ENCRYPTED } from '../../core/charter/kind.ts';
import { DISSC_ADDRESS } from '../../core/dissc-address.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import { type DatasetKey, NO_ACCOUNT, type Nonce, type PrivateKey } from '../../core/ids.ts';
import { multiproof } from '../../core/log/multiproof.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { accountOfKey } from '../../core/typed-data.ts';

const AT_MS = 1_796_000_000_000;
const KIND: DatasetKind = ENCRYPTED;
const LINES = ['first\n', 'hello\n', 'world\n'];

/**
 * Evidence of two of three lines of an encrypted dataset, opened. Its keys are of no use, and no chain has it.
 * @param dissc the contract that all of it is signed for
 */
export async function exampleEvidence(dissc = DISSC_ADDRESS): Promise<Uint8Array> {
  const [ownerKey, deviceKey, datasetKey] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
    PrivateKey,
    PrivateKey,
    DatasetKey,
  ];
  const domain = { chainId: 31337, dissc };
  const bare = {
    ...{ owner: accountOfKey(ownerKey), name: encodeDatasetName('door'), kind: KIND },
    ...{ device: accountOfKey(deviceKey), anchorer: NO_ACCOUNT, serial: AT_MS / 1000 - 60, from: 0 },
  };
  const charter = { ...bare, signature: signCharter(domain, bare, ownerKey) };
  const dataset = datasetOfCharter(domain, charter);
  const writer = { dataset, kind: KIND, serial: charter.serial, datasetKey, deviceKey, domain };
  const captured = LINES.map((line, i) => ({ content: utf8(line), meta: { at: AT_MS + 1000 * i } }));
  const { manifest, leafHashes } = sealBatch(primitives, writer, EMPTY_PEAKS, captured, new Uint8Array(16).fill(4));
  const { head, signature, serial, salt } = manifest;
  const keyOf = blockKeys(primitives, auditKey(primitives, datasetKey), salt);
  const batchKey = contentBatchKey(primitives, readKey(primitives, datasetKey), manifest.nonce as Nonce);
  const shown = [1, 2];
  return encodeEvidence({
    ...{ domain, dataset, charters: [{ charter, chartered: null }], head: { dataset, ...head, serial, signature } },
    record: {
      txHash: new Uint8Array(32).fill(0x7a),
      ...{ blockHash: new Uint8Array(32).fill(0xb1), blockNumber: 120, timeSeconds: AT_MS / 1000 + 60 },
    },
    round: null,
    blocks: manifest.blocks.flatMap(({ size, sha256, chunkRoot, meta, record }, index) =>
      shown.includes(index)
        ? {
            ...{ index, opening: { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) }, meta, record },
            ...{
              blockKey: keyOf(index),
              contentKey: contentKey(primitives, batchKey, index),
              object: null,
              bytes: null,
            },
          }
        : [],
    ),
    proof: await multiproof(
      { hasher: primitives, subtrees: subtreesOfLeaves(primitives, leafHashes) },
      shown,
      head.size,
    ),
    ...{ range: null, after: [], timestamp: null },
  });
}
