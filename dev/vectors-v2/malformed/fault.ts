import type { Piece } from '../reference/segment.ts';

/**
 * How much a reader must have seen to notice:
 * container = the CAR alone; manifest = the manifest too; content = block bytes hashed in chunks;
 * record = nothing in the segment alone: key, signer, earlier log or sealing must be consulted.
 */
export type Layer = 'container' | 'manifest' | 'content' | 'record';

export interface Fault {
  name: string;
  base: string;
  where: string;
  layer: Layer;
  /** a short kind, or `passes structural`, or `may pass structural` where only a careful reader of the segment alone sees it */
  expected: string;
  bytes: Uint8Array;
  pieces?: Piece[];
}
