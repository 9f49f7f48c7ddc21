import { CID } from 'multiformats/cid';
import { rawCid } from '../../core/batch/manifest.ts';
import { manifestCid } from '../../core/batch/manifest-cid.ts';
import { frontBytesOf, readSegment } from '../../core/batch/read-segment.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';

import { StoreUnavailableError } from '../../core/errors.ts';
import type { NamedBlock, P2pfs } from '../../core/ports/p2pfs.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

/** An IPFS node in memory. A hostile one extends it, or changes what it holds. */
export class MemoryIpfs implements P2pfs {
  readonly blocks = new Map<string, Uint8Array>();
  /** Content by the CID of its root, where that is no raw leaf. */
  readonly files = new Map<string, Uint8Array>();
  readonly pins = new Set<string>();
  /** CIDs in the order of questions, by method. */
  readonly asked: string[] = [];

  publish(primitives: Primitives, { segment, manifest }: SealedBatch): void {
    const root = manifestCid(primitives, manifest);
    const front = segment.car.subarray(0, frontBytesOf(segment.car));
    const { blocks } = readSegment(primitives, segment.car);
    // The manifest follows a header of 59 bytes, its length in 2 and its CID of 36.
    for (const prefix of [1, 2, 3]) {
      const bytes = front.subarray(59 + prefix + 36);
      const { multihash } = CID.parse(root);
      if (Buffer.compare(multihash.digest, primitives.sha256(bytes)) === 0) this.blocks.set(root, bytes);
    }
    for (const [number, line] of manifest.blocks.entries()) {
      this.blocks.set(rawCid(line.sha256).toString(), blocks[number] as Uint8Array);
    }
    this.pins.add(root);
  }

  async importCar(): Promise<{ root: string }> {
    throw new Error('Nobody imports here.');
  }

  async *pinnedRoots(): AsyncGenerator<string> {
    yield* this.pins;
  }

  async hasWhole(root: string): Promise<boolean> {
    return this.blocks.has(root);
  }

  async nameBlock(cid: string): Promise<NamedBlock | null> {
    this.asked.push(`name ${cid}`);
    const bytes = this.blocks.get(cid);
    return bytes === undefined ? null : { cid, sizeBytes: bytes.length };
  }

  async getBlock(cid: string): Promise<Uint8Array | null> {
    this.asked.push(`block ${cid}`);
    return this.blocks.get(cid) ?? null;
  }

  async readFile(cid: string, maxBytes: number): Promise<Uint8Array | null> {
    this.asked.push(`file ${cid}`);
    const content = this.files.get(cid) ?? this.blocks.get(cid) ?? null;
    if (content !== null && content.length > maxBytes) throw new StoreUnavailableError('That is too much.');
    return content;
  }
}
