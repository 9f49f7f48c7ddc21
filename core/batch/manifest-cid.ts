import type { Primitives } from '../ports/primitives.ts';
import { encodeManifest, sha256Cid } from './manifest.ts';
import type { Manifest } from './manifest-fields.ts';

const DAG_CBOR = 0x71;

/**
 * CID of a segment's root: what IPFS calls the manifest, and by it the whole batch.
 * @throws ArgumentError for a manifest that is out of bounds
 */
export function manifestCid(hasher: Pick<Primitives, 'sha256'>, manifest: Manifest): string {
  return sha256Cid(DAG_CBOR, hasher.sha256(encodeManifest(hasher, manifest))).toString();
}
