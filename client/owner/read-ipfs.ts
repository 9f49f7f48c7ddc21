import { CID } from 'multiformats/cid';
import { decodeManifest, rawCid, sha256Cid } from '../../core/batch/manifest.ts';
import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { type LinkedObject, linkSerial, openLinkedObjects } from '../../core/block/linked-objects.ts';
import { auditKey } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_MANIFEST_BYTES } from '../../core/limits.ts';
import type { LinkReader } from '../../core/ports/ledger.ts';
import type { P2pfs } from '../../core/ports/p2pfs.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { FindManifest, FindObject } from '../../core/protocols/owner-css-n.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';

const DAG_CBOR = 0x71;
const PARALLEL_MANIFESTS = 8;

/**
 * The manifests of a dataset's batches that an IPFS node has pinned. Which is the recorded one of several, the salt of the
 * batch tells: with another one no digest opens.
 */
export async function readPinnedManifests(
  deps: { readonly primitives: Primitives; readonly p2pfs: Pick<P2pfs, 'pinnedRoots' | 'getBlock'> },
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<FindManifest> {
  const roots: string[] = [];
  for await (const root of deps.p2pfs.pinnedRoots(signal)) if (codecOf(root) === DAG_CBOR) roots.push(root);
  const byFirst = new Map<number, Manifest[]>();
  await eachInParallel(roots, PARALLEL_MANIFESTS, async (root) => {
    const manifest = await readManifest(deps, root, signal);
    if (manifest?.dataset !== dataset) return;
    byFirst.set(manifest.first, [...(byFirst.get(manifest.first) ?? []), manifest]);
  });
  return ({ first, salt }) => byFirst.get(first)?.find((manifest) => equalBytes(manifest.salt, salt)) ?? null;
}

/**
 * ObjectIDs that the owner linked on DISSC (Table III: ObjectID), by block; of several for one block the newest.
 * @throws LedgerUnavailableError when the chain cannot be read
 */
export async function readLinkedObjects(
  deps: { readonly primitives: Primitives; readonly ledger: LinkReader },
  query: { dataset: DatasetId; datasetKeyOf: DatasetKeyOf; fromBlock: number; toBlock: number },
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, LinkedObject>> {
  const { primitives } = deps;
  const { dataset, datasetKeyOf } = query;
  const linked = new Map<number, LinkedObject>();
  for (const event of await deps.ledger.findLinked(dataset, query.fromBlock, query.toBlock, signal)) {
    const key = auditKey(primitives, datasetKeyOf(linkSerial(event.objects)));
    const objects = openLinkedObjects(primitives, key, dataset, event, event.objects);
    for (const [number, object] of objects.entries()) linked.set(event.first + number, object);
  }
  return linked;
}

/** A linked object where there is one, else the block as its segment is published. */
export function objectsFrom(linked: ReadonlyMap<number, LinkedObject>, findManifest: FindManifest): FindObject {
  return ({ index, batch }) => {
    const object = linked.get(index);
    if (object !== undefined) return object;
    const line = findManifest(batch)?.blocks[index - batch.first];
    return line === undefined ? null : { cid: rawCid(line.sha256).toString(), meta: line.meta };
  };
}

/** Null when what is pinned is no manifest, or cannot be had now: its blocks are then unavailable. */
async function readManifest(
  { primitives, p2pfs }: { readonly primitives: Primitives; readonly p2pfs: Pick<P2pfs, 'getBlock'> },
  root: string,
  signal?: AbortSignal,
): Promise<Manifest | null> {
  try {
    const bytes = await p2pfs.getBlock(root, MAX_MANIFEST_BYTES, signal);
    if (bytes === null || sha256Cid(DAG_CBOR, primitives.sha256(bytes)).toString() !== root) return null;
    return decodeManifest(primitives, bytes);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    return null;
  }
}

function codecOf(root: string): number | null {
  try {
    return CID.parse(root).code;
  } catch {
    return null;
  }
}
