import { bip39Seed, deviceAccount, ownerAccount } from './reference/accounts.ts';
import { EXPANSION, expand, hex, type Json, sha256, utf8 } from './reference/bytes.ts';
import { cidText } from './reference/car.ts';
import { leafHash } from './reference/merkle.ts';
import { DOMAIN, datasetId, datasetKey, MIB, MNEMONIC, name32, objectKey } from './reference/protocol.ts';
import { type BatchInput, makeSegment, PIECES, piecesAround, type Segment } from './reference/segment.ts';

const AT = 1_790_000_000_000;
const AGAIN = utf8('21.5 C\n');

/** The good segments, by name; the malformed ones are made from them. */
export async function goodSegments(): Promise<Record<string, Segment>> {
  const plain = place('plain', 1, null);
  const plainOne = await makeSegment({
    ...plain,
    blocks: [{ content: utf8('date,precipitation,temp_max\n2012/01/01,0.0,12.8\n'), meta: { at: AT } }],
  });
  const plainEqual = await makeSegment({
    ...plain,
    ...after(plainOne),
    blocks: [
      { content: AGAIN, meta: { at: AT + 1000 } },
      { content: utf8('x'), meta: { at: AT + 2000, clock: 1 } },
      { content: AGAIN, meta: { at: AT + 1000 } },
    ],
  });
  const secret = place('secret', 2, expand('segments/secret/nonce/0', 16));
  const encryptedThree = await makeSegment({
    ...secret,
    blocks: [
      { content: AGAIN, meta: { at: AT } },
      { content: expand('segments/secret/1', 1100), meta: { at: AT + 10, type: 'application/octet-stream' } },
      { content: AGAIN, meta: { at: AT + 20 } },
    ],
  });
  const encryptedSecond = await makeSegment({
    ...secret,
    ...after(encryptedThree),
    nonce: expand('segments/secret/nonce/1', 16),
    blocks: [0, 1, 2].map((part) => ({
      content: expand(`segments/secret/wind/${part}`, [20, 1024, 7][part]!),
      meta: { at: AT + 30, name: 'Zürich/wind.csv', type: 'text/csv', part, parts: 3 },
    })),
  });
  const encryptedPublished = await makeSegment({
    ...secret,
    ...after(encryptedSecond),
    nonce: expand('segments/secret/nonce/2', 16),
    published: true,
    blocks: [1, 2].map((size) => ({ content: expand(`segments/secret/size/${size}`, size), meta: { at: AT + 40 } })),
  });
  const published = place('published', 7, null);
  const publishedOne = await makeSegment({
    ...published,
    published: true,
    blocks: [4, 1023, 1024, 1025].map((size) => ({
      content: expand(`segments/published/${size}`, size),
      meta: { at: AT },
    })),
  });
  const late = place('late', 1, expand('segments/late/nonce', 16));
  const lateThirty = await makeSegment({
    ...late,
    first: 2n ** 32n + 5n,
    // What came before cannot be seen in this segment; any 140 bytes stand for a leaf.
    before: [0, 1, 2, 3, 4, 5].map((i) => expand(`segments/late/leaf/${i}`, 140)),
    blocks: Array.from({ length: 30 }, (_, i) => ({ content: expand(`segments/late/${i}`, 17 + i), meta: { at: i } })),
  });
  const largest = await makeSegment({
    ...place('largest', 1, null),
    blocks: [{ content: expand('segments/largest', MIB - 16), meta: { at: AT, name: 'largest.bin' } }],
  });
  return {
    'plain-one': plainOne,
    'plain-equal-blocks': plainEqual,
    'encrypted-three': encryptedThree,
    'encrypted-second-parts': encryptedSecond,
    'encrypted-third-published': encryptedPublished,
    'plain-published': publishedOne,
    'late-thirty': lateThirty,
    'plain-largest': largest,
  };
}

/** Complete segments with everything that opening them yields. */
export async function segmentVectors(): Promise<Json> {
  const segments = Object.entries(await goodSegments()).map(([name, segment]) => segmentJson(name, segment));
  return {
    about: 'complete segments (CARv1) and what opening them yields, design §4',
    expansion: EXPANSION,
    pieces: PIECES,
    note: 'offset is that of the first byte of the stored block in the CAR; before holds the leaves of earlier batches',
    mnemonic: MNEMONIC,
    segments,
  };
}

function place(name: string, device: number, nonce: Uint8Array | null): Omit<BatchInput, 'blocks'> {
  const dataset = datasetId(DOMAIN.chainId, DOMAIN.verifyingContract, ownerAccount(MNEMONIC).address, name32(name));
  return {
    domain: DOMAIN,
    dataset,
    datasetKey: datasetKey(bip39Seed(MNEMONIC), dataset),
    device: deviceAccount(MNEMONIC, device),
    first: 0n,
    nonce,
    published: false,
    before: [],
  };
}

const after = (segment: Segment) => ({ first: segment.head.size, before: [...segment.before, segment.leaf] });

function segmentJson(name: string, s: Segment): Json {
  const sizeBytes = s.car.length;
  const seed = 'segments/largest';
  return {
    name,
    domain: { ...s.domain },
    dataset: hex(s.dataset),
    datasetKey: hex(s.datasetKey),
    devicePath: s.device.path,
    devicePrivateKey: hex(s.device.privateKey),
    signer: s.device.address,
    ...(sizeBytes < 65_536 ? { carHex: hex(s.car) } : { carPieces: piecesAround(s.car, seed, s.stored[0]!) }),
    carSize: sizeBytes,
    carSha256: hex(sha256(s.car)),
    key: objectKey(s.dataset, s.first, s.car),
    manifestCid: cidText(s.sections[0]!.cid),
    manifestSize: s.sections[0]!.data.length,
    first: s.first.toString(),
    salt: hex(s.sealing.salt),
    nonce: s.nonce ? hex(s.nonce) : null,
    contentCommitment: hex(s.contentCommitment),
    published: s.published,
    batchRoot: hex(s.batchRoot),
    before: s.before.map(hex),
    leaf: hex(s.leaf),
    leafHash: hex(leafHash(s.leaf)),
    head: { size: s.head.size.toString(), batches: s.head.batches, root: hex(s.head.root) },
    signature: hex(s.signature),
    blocks: s.blocks.map(({ content, meta }, i) => ({
      index: (s.first + BigInt(i)).toString(),
      content: content.length < 65_536 ? hex(content) : { seed, size: content.length },
      contentKey: s.contentKeys[i] ? hex(s.contentKeys[i]) : null,
      meta: meta as Json,
      metaHex: hex(s.metas[i]!),
      cid: cidText(s.sections[i + 1]!.cid),
      offset: s.offsets[i + 1]!,
      size: s.stored[i]!.length,
      sha256: hex(sha256(s.stored[i]!)),
      chunkRoot: hex((s.manifest.blocks as { chunkRoot: Uint8Array }[])[i]!.chunkRoot),
      digest: hex(s.digests[i]!),
      blockKey: hex(s.sealing.blockKeys[i]!),
      sealed: hex(s.sealing.sealed[i]!),
      commitment: hex(s.sealing.commitments[i]!),
    })),
  };
}
