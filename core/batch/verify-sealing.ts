import { contentBatchKey, contentKey, requireContentKey } from '../block/content-keys.ts';
import { blockDigest } from '../block/digest.ts';
import { metaHash } from '../block/meta.ts';
import { batchSalt, blockKeys, commitKey, openDigest, sealDigest } from '../block/seal.ts';
import { equalBytes } from '../bytes.ts';
import { KeyError } from '../errors.ts';
import type { AuditKey, ContentKey, Digest, ReadKey } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Manifest, ManifestBlock } from './manifest-fields.ts';

type Macs = Pick<Primitives, 'sha256' | 'hmacSha256'>;

/**
 * Whether salt and seals of a batch come from this audit key and these openings: a storage that invents or alters a manifest
 * can make neither. An auditor, the owner and the device before it adopts a batch ask so.
 * @throws KeyError naming the block
 */
export function requireSealing(primitives: Macs, key: AuditKey, manifest: Manifest): void {
  const { first, salt, blocks } = manifest;
  const digests = blocks.map((block, number) => digestOf(primitives, manifest, block, first + number));
  const keyOf = blockKeys(primitives, key, salt);
  for (const [number, { record }] of blocks.entries()) {
    const index = first + number;
    const blockKey = keyOf(index);
    if (!equalBytes(commitKey(primitives, blockKey), record.commitment)) {
      throw new KeyError(`The key of block ${index} does not match its record.`);
    }
    if (!equalBytes(sealDigest(primitives, digests[number] as Digest, blockKey), record.sealed)) {
      throw new KeyError(`The sealed digest of block ${index} does not open to the digest of its manifest entry.`);
    }
  }
  if (!equalBytes(batchSalt(primitives, key, first, digests), salt)) {
    throw new KeyError(`The salt of the batch from block ${first} on does not come from this key and these blocks.`);
  }
}

/**
 * The content keys of a batch, each compared with its record. Null where nothing is encrypted.
 * @throws KeyError naming the block whose record commits to another key: another device's read key, or an altered nonce
 */
export function openContentKeys(primitives: Macs, key: ReadKey, manifest: Manifest): readonly ContentKey[] | null {
  const { first, nonce, blocks } = manifest;
  if (nonce === null) return null;
  const batchKey = contentBatchKey(primitives, key, nonce);
  return blocks.map(({ record }, number) => {
    const own = contentKey(primitives, batchKey, first + number);
    requireContentKey(primitives, record.contentCommitment, own, first + number);
    return own;
  });
}

/** The digest that one block's record seals. @throws KeyError when the record commits to another key */
export function openRecordedDigest(primitives: Macs, key: AuditKey, manifest: Manifest, number: number): Digest {
  const { sealed, commitment } = (manifest.blocks[number] as ManifestBlock).record;
  return openDigest(primitives, sealed, commitment, blockKeys(primitives, key, manifest.salt)(manifest.first + number));
}

function digestOf(primitives: Macs, { dataset }: Manifest, block: ManifestBlock, index: number): Digest {
  const { size, sha256, chunkRoot, meta } = block;
  return blockDigest(primitives, { dataset, index }, { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) });
}
