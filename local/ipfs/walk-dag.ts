import * as dagCbor from '@ipld/dag-cbor';
import * as dagPb from '@ipld/dag-pb';
import type { CID } from 'multiformats/cid';
import { RpcError } from './rpc-error.ts';

/** One block of a graph; `bytes` is null where the block is not here. */
export interface Visited {
  readonly cid: CID;
  readonly bytes: Uint8Array | null;
}

const RAW = 0x55;

/** Every block that a root leads to, each once. What is missing is visited and leads nowhere. */
export async function* walkDag(
  get: (cid: CID) => Promise<Uint8Array | null>,
  root: CID,
  signal?: AbortSignal,
): AsyncGenerator<Visited> {
  const seen = new Set<string>([root.toString()]);
  for (const queue = [root]; ; ) {
    const cid = queue.shift();
    if (cid === undefined) return;
    signal?.throwIfAborted();
    const bytes = await get(cid);
    yield { cid, bytes };
    if (bytes === null) continue;
    for (const link of linksOf(cid, bytes)) {
      const name = link.toString();
      if (seen.has(name)) continue;
      seen.add(name);
      queue.push(link);
    }
  }
}

function linksOf(cid: CID, bytes: Uint8Array): CID[] {
  switch (cid.code) {
    case RAW:
      return [];
    case dagPb.code:
      return dagPb.decode(bytes).Links.map((link) => link.Hash);
    case dagCbor.code:
      return cidsIn(dagCbor.decode(bytes));
    default:
      throw new RpcError(`codec 0x${cid.code.toString(16)} is not known here`);
  }
}

function cidsIn(value: unknown): CID[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return [];
  // Decoded by dag-cbor, a link is an object that says so itself; data cannot.
  const link = value as Partial<CID>;
  if (link.asCID === value) return [value as CID];
  return Object.values(value).flatMap(cidsIn);
}
