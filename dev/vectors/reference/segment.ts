/** A whole segment: blocks to manifest to CAR. */

import { signHead } from './accounts.ts';
import { concat, expand, hex, sha256, unhex } from './bytes.ts';
import { car, cidOf, DAG_CBOR, dataOffsets, RAW, type Section } from './car.ts';
import { type Cbor, encode, Link } from './dag-cbor.ts';
import { treeHash } from './merkle.ts';
import {
  auditKey,
  chunkRoot,
  contentBatchKey,
  contentCommitment,
  contentKey,
  type Domain,
  digest,
  encryptContent,
  type Head,
  nonce,
  readKey,
  type Sealing,
  seal,
} from './protocol.ts';

type Map = { [key: string]: Cbor };

export interface BatchInput {
  domain: Domain;
  dataset: Uint8Array;
  /** 0 encrypted, 1 plain, 2 attached */
  kind: number;
  serial: number;
  datasetKey: Uint8Array;
  device: { privateKey: Uint8Array; address: string };
  first: bigint;
  random16: Uint8Array;
  /** the records before this batch; `first` of them */
  before: Uint8Array[];
  blocks: { content: Uint8Array; meta: Map; object?: { key: string; versionId: string | null; offset: number } }[];
}

export interface Segment extends BatchInput {
  nonce: Uint8Array | null;
  metas: Uint8Array[];
  stored: Uint8Array[];
  contentKeys: (Uint8Array | null)[];
  digests: Uint8Array[];
  sealing: Sealing;
  records: Uint8Array[];
  head: Head;
  signature: Uint8Array;
  manifest: Map;
  sections: Section[];
  car: Uint8Array;
  offsets: number[];
}

export async function makeSegment(input: BatchInput): Promise<Segment> {
  const { dataset, kind, datasetKey, first, blocks } = input;
  if (BigInt(input.before.length) !== first) throw new Error('not as many records before as first says');
  const indexOf = (i: number) => first + BigInt(i);
  const contents = blocks.map(({ content }) => content);
  const read = readKey(datasetKey);
  const nonce16 = kind === 0 ? nonce(read, input.random16, first, contents) : null;
  const batchKey = nonce16 ? contentBatchKey(read, nonce16) : null;
  const contentKeys = blocks.map((_, i) => (batchKey ? contentKey(batchKey, indexOf(i)) : null));
  const stored = contents.map((content, i) => {
    const key = contentKeys[i]!;
    return key ? encryptContent(key, dataset, indexOf(i), content) : content;
  });
  const metas = blocks.map(({ meta, object }) =>
    encode(object ? { ...meta, object: sha256(encode({ ...object })) } : meta),
  );
  const digests = stored.map((block, i) => digest(dataset, indexOf(i), block, metas[i]!));
  const sealing = seal(auditKey(datasetKey), first, digests);
  const records = stored.map((_, i) =>
    concat(sealing.sealed[i]!, sealing.commitments[i]!, contentCommitment(contentKeys[i]!)),
  );
  const head = { dataset, size: indexOf(blocks.length), root: treeHash([...input.before, ...records]) };
  const signature = await signHead(input.device.privateKey, input.domain, head);
  const manifest = {
    v: 2,
    dataset,
    serial: input.serial,
    first,
    salt: sealing.salt,
    nonce: nonce16,
    head: { size: head.size, root: head.root },
    signature,
    blocks: stored.map((block, i) => ({
      cid: new Link(cidOf(RAW, block)),
      size: block.length,
      chunkRoot: chunkRoot(block),
      meta: metas[i]!,
      record: records[i]!,
      ...(blocks[i]!.object ? { object: { ...blocks[i]!.object! } } : {}),
    })),
  };
  const bytes = encode(manifest);
  const manifestSection = { cid: cidOf(DAG_CBOR, bytes), data: bytes };
  const held = kind === 2 ? [] : stored;
  const sections = [manifestSection, ...held.map((data) => ({ cid: cidOf(RAW, data), data }))];
  const roots = [manifestSection.cid];
  return {
    ...input,
    nonce: nonce16,
    metas,
    stored,
    contentKeys,
    digests,
    sealing,
    records,
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
