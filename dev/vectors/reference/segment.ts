/** A whole segment: blocks to manifest to CAR. */
import { type Account, signHead } from './accounts.ts';
import { concat, expand, hex, sha256, unhex } from './bytes.ts';
import { car, cidOf, DAG_CBOR, dataOffsets, RAW, type Section } from './car.ts';
import { type Cbor, encode, Link } from './dag-cbor.ts';
import { treeHash } from './merkle.ts';
import {
  batchLeaf,
  batchRoot,
  chunkRoot,
  contentBatchKey,
  contentCommitment,
  contentKey,
  type Domain,
  digest,
  encryptContent,
  type Head,
  type SealedBatch,
  seal,
  sealedHash,
  ZERO32,
} from './protocol.ts';

export interface BatchInput {
  domain: Domain;
  dataset: Uint8Array;
  datasetKey: Uint8Array;
  device: Account;
  first: bigint;
  /** null: plain */
  nonce: Uint8Array | null;
  published: boolean;
  /** the batch leaves before this one */
  before: Uint8Array[];
  blocks: { content: Uint8Array; meta: { [key: string]: Cbor } }[];
}

export interface Segment extends BatchInput {
  metas: Uint8Array[];
  stored: Uint8Array[];
  contentKeys: (Uint8Array | null)[];
  digests: Uint8Array[];
  sealing: SealedBatch;
  contentCommitment: Uint8Array;
  batchRoot: Uint8Array;
  leaf: Uint8Array;
  head: Head;
  signature: Uint8Array;
  manifest: { [key: string]: Cbor };
  sections: Section[];
  car: Uint8Array;
  offsets: number[];
}

export async function makeSegment(input: BatchInput): Promise<Segment> {
  const { dataset, datasetKey, first, nonce, blocks } = input;
  const indexOf = (i: number) => first + BigInt(i);
  const batchKey = nonce ? contentBatchKey(datasetKey, nonce) : null;
  const contentKeys = blocks.map((_, i) => (batchKey ? contentKey(batchKey, indexOf(i)) : null));
  const stored = blocks.map(({ content }, i) => {
    const key = contentKeys[i]!;
    return key ? encryptContent(key, dataset, indexOf(i), content) : content;
  });
  const metas = blocks.map(({ meta }) => encode(meta));
  const digests = stored.map((block, i) => digest(dataset, indexOf(i), block, metas[i]!));
  const sealing = seal(datasetKey, first, digests);
  const commitment = batchKey ? contentCommitment(batchKey) : ZERO32;
  const root = batchRoot(commitment, sealing.sealed, sealing.commitments);
  const leaf = batchLeaf({
    dataset,
    first,
    count: blocks.length,
    salt: sealing.salt,
    batchRoot: root,
    sealedHash: input.published ? sealedHash(sealing.sealed) : ZERO32,
  });
  const log = [...input.before, leaf];
  const head = { dataset, size: indexOf(blocks.length), batches: log.length, root: treeHash(log) };
  const signature = await signHead(input.device.privateKey, input.domain, head);
  const manifest = {
    v: 1,
    dataset,
    first,
    salt: sealing.salt,
    nonce,
    contentCommitment: commitment,
    published: input.published,
    head: { size: head.size, batches: head.batches, root: head.root },
    signature,
    blocks: stored.map((block, i) => ({
      cid: new Link(cidOf(RAW, block)),
      size: block.length,
      chunkRoot: chunkRoot(block),
      meta: metas[i]!,
      sealed: sealing.sealed[i]!,
      commitment: sealing.commitments[i]!,
    })),
  };
  const bytes = encode(manifest);
  const manifestSection = { cid: cidOf(DAG_CBOR, bytes), data: bytes };
  const sections = [manifestSection, ...stored.map((data) => ({ cid: cidOf(RAW, data), data }))];
  const roots = [manifestSection.cid];
  return {
    ...input,
    metas,
    stored,
    contentKeys,
    digests,
    sealing,
    contentCommitment: commitment,
    batchRoot: root,
    leaf,
    head,
    signature,
    manifest,
    sections,
    car: car(roots, sections),
    offsets: dataOffsets(roots, sections),
  };
}

/** Bytes too long to print: strings of hex, expansions, repetitions; concatenated in order. */
export type Piece = string | { seed: string; size: number } | { hex: string; times: number };

export const joinPieces = (pieces: Piece[]): Uint8Array =>
  concat(
    ...pieces.map((piece) => {
      if (typeof piece === 'string') return unhex(piece);
      if ('seed' in piece) return expand(piece.seed, piece.size);
      return concat(...new Array<Uint8Array>(piece.times).fill(unhex(piece.hex)));
    }),
  );

export const PIECES =
  'carPieces, where carHex would be long, is concatenated: hex as it is, {seed, size} expanded, {hex, times} repeated';

/** Cuts bytes into pieces, with `block` (expanded from `seed`) left as its seed wherever it stands. */
export function piecesAround(bytes: Uint8Array, seed: string, block: Uint8Array): Piece[] {
  const whole = Buffer.from(bytes);
  const at = whole.indexOf(block);
  const pieces = [
    hex(whole.subarray(0, at)),
    { seed, size: block.length },
    ...(at + block.length < whole.length ? [hex(whole.subarray(at + block.length))] : []),
  ];
  if (at < 0 || hex(sha256(joinPieces(pieces))) !== hex(sha256(bytes)))
    throw new Error(`${seed} is not in these bytes`);
  return pieces;
}
