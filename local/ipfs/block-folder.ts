import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FsBlockstore } from 'blockstore-fs';
import { CID } from 'multiformats/cid';
import type { MultihashHasher } from 'multiformats/hashes/interface';
import { sha256, sha512 } from 'multiformats/hashes/sha2';
import { RpcError } from './rpc-error.ts';

/** What Kubo takes at most as one block. */
export const MAX_IPFS_BLOCK_BYTES = 2 * 2 ** 20;
const HASHERS: ReadonlyMap<number, MultihashHasher> = new Map<number, MultihashHasher>([
  [sha256.code, sha256],
  [sha512.code, sha512],
]);

/** Blocks and pins of the embedded node, as files. */
export interface BlockFolder {
  readonly blocks: FsBlockstore;
  /** The bytes of a block, or null when it is not here. */
  get(cid: CID): Promise<Uint8Array | null>;
  pin(cid: CID): Promise<void>;
  unpin(cid: CID): Promise<boolean>;
  pins(): Promise<CID[]>;
}

export async function openBlockFolder(folder: string): Promise<BlockFolder> {
  const pinFolder = join(folder, 'pins');
  await mkdir(pinFolder, { recursive: true, mode: 0o700 });
  const blocks = new FsBlockstore(join(folder, 'blocks'));
  await blocks.open();
  return {
    blocks,

    async get(cid) {
      if (!(await blocks.has(cid))) return null;
      const parts: Uint8Array[] = [];
      for await (const part of blocks.get(cid)) parts.push(part);
      return new Uint8Array(Buffer.concat(parts));
    },

    async pin(cid) {
      // Whole or not at all, also when the process is killed in between.
      const temporary = join(folder, randomUUID());
      const file = await open(temporary, 'wx', 0o600);
      await file.sync();
      await file.close();
      await rename(temporary, join(pinFolder, cid.toString()));
    },

    async unpin(cid) {
      return rm(join(pinFolder, cid.toString())).then(
        () => true,
        () => false,
      );
    },

    async pins() {
      return (await readdir(pinFolder)).sort().map((name) => CID.parse(name));
    },
  };
}

/** @throws RpcError unless the bytes are those that the CID names */
export async function checkBlock(cid: CID, bytes: Uint8Array): Promise<void> {
  if (bytes.length > MAX_IPFS_BLOCK_BYTES) {
    throw new RpcError(`block ${cid} has ${bytes.length} bytes; at most ${MAX_IPFS_BLOCK_BYTES} are taken`);
  }
  const hasher = HASHERS.get(cid.multihash.code);
  if (hasher === undefined) throw new RpcError(`hash function 0x${cid.multihash.code.toString(16)} is not known here`);
  const digest = await hasher.digest(bytes);
  if (Buffer.compare(digest.bytes, cid.multihash.bytes) !== 0) {
    throw new RpcError(`mismatch in content integrity: block is not ${cid}`);
  }
}
