import { accountOf, bip39Seed, ownerAccount } from './reference/accounts.ts';
import { EXPANSION, expand, hex, type Json, sha256, utf8 } from './reference/bytes.ts';
import { cidText } from './reference/car.ts';
import { peaks } from './reference/log.ts';
import { leafHash } from './reference/merkle.ts';
import {
  contentCommitment,
  DOMAIN,
  datasetId,
  datasetKey,
  deviceKey,
  MIB,
  MNEMONIC,
  name32,
  objectKey,
} from './reference/protocol.ts';
import { type BatchInput, makeSegment, PIECES, piecesAround, type Segment } from './reference/segment.ts';

const AT = 1_790_000_000_000;
const SERIAL = 1_790_000_000;
const AGAIN = utf8('21.5 C\n');

/** The good segments, by name; the malformed ones are made from them. */
export async function goodSegments(): Promise<Record<string, Segment>> {
  const plain = place('plain', 1);
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
  const secret = place('secret', 0);
  const encryptedThree = await makeSegment({
    ...secret,
    blocks: [
      { content: AGAIN, meta: { at: AT, after: expand('segments/after', 32) } },
      { content: expand('segments/secret/1', 1100), meta: { at: AT + 10, type: 'application/octet-stream' } },
      { content: AGAIN, meta: { at: AT + 20, time: AT - 5 } },
    ],
  });
  const encryptedSecond = await makeSegment({
    ...secret,
    ...after(encryptedThree),
    random16: expand('segments/secret/random/1', 16),
    blocks: [0, 1, 2].map((part) => ({
      content: expand(`segments/secret/wind/${part}`, [20, 1024, 7][part]!),
      meta: { at: AT + 30, name: 'Zürich/wind.csv', type: 'text/csv', part, parts: 3 },
    })),
  });
  const replaced = await makeSegment({
    ...secret,
    ...writer('secret', 0, SERIAL + 77),
    ...after(encryptedSecond),
    blocks: [1, 2].map((size) => ({
      content: expand(`segments/secret/size/${size}`, size),
      meta: { at: AT + 40, ...(size === 1 ? { clock: 2 } : {}) },
    })),
  });
  const late = await makeSegment({
    ...place('late', 0),
    first: 300n,
    // What came before cannot be seen in this segment; any 96 bytes stand for a record.
    before: Array.from({ length: 300 }, (_, i) => expand(`segments/late/record/${i}`, 96)),
    blocks: Array.from({ length: 30 }, (_, i) => ({ content: expand(`segments/late/${i}`, 17 + i), meta: { at: i } })),
  });
  const attached = place('attached', 2);
  const attachedTwo = await makeSegment({
    ...attached,
    blocks: [
      { content: expand('segments/attached/0', 2000), meta: { at: AT }, object: pieceAt('lake/a.parquet', 'v1', 0) },
      { content: expand('segments/attached/1', 500), meta: { at: AT }, object: pieceAt('lake/a.parquet', 'v1', 2000) },
    ],
  });
  const attachedOn = await makeSegment({
    ...attached,
    ...after(attachedTwo),
    blocks: [
      { content: expand('segments/attached/2', 9), meta: { at: AT }, object: pieceAt('lake/a.parquet', 'v1', 2500) },
      { content: expand('segments/attached/3', 9), meta: { at: AT }, object: pieceAt('lake/ü.parquet', null, 0) },
      { content: expand('segments/attached/4', 9), meta: { at: AT }, object: pieceAt('lake/ü.parquet', null, 0) },
    ],
  });
  const largest = await makeSegment({
    ...place('largest', 1),
    blocks: [{ content: expand('segments/largest', MIB - 16), meta: { at: AT, name: 'largest.bin' } }],
  });
  return {
    'plain-one': plainOne,
    'plain-equal-blocks': plainEqual,
    'encrypted-three': encryptedThree,
    'encrypted-second-parts': encryptedSecond,
    'encrypted-other-device': replaced,
    'late-thirty': late,
    'attached-two': attachedTwo,
    'attached-second': attachedOn,
    'plain-largest': largest,
  };
}

/** Complete segments with everything that opening them yields. */
export async function segmentVectors(): Promise<Json> {
  const segments = Object.entries(await goodSegments()).map(([name, segment]) => segmentJson(name, segment));
  return {
    about: 'complete segments (CARv1) and what opening them yields, specification#segment',
    expansion: EXPANSION,
    pieces: PIECES,
    note:
      'offset is that of the first byte of the stored block in the CAR, or in its object when attached; peaksBefore are ' +
      'those of the log before the batch',
    mnemonic: MNEMONIC,
    segments,
  };
}

const pieceAt = (key: string, versionId: string | null, offset: number) => ({ key, versionId, offset });

function place(name: string, kind: number): Omit<BatchInput, 'blocks'> {
  const random16 = expand(`segments/${name}/random`, 16);
  return { domain: DOMAIN, kind, first: 0n, random16, before: [], ...writer(name, kind, SERIAL) };
}

function writer(name: string, kind: number, serial: number) {
  const { address } = ownerAccount(MNEMONIC);
  const dataset = datasetId(DOMAIN.chainId, DOMAIN.verifyingContract, address, name32(name), kind);
  const seed = bip39Seed(MNEMONIC);
  return {
    dataset,
    serial,
    datasetKey: datasetKey(seed, dataset, serial),
    device: accountOf(deviceKey(seed, dataset, serial)),
  };
}

const after = (segment: Segment) => ({ first: segment.head.size, before: [...segment.before, ...segment.records] });

function segmentJson(name: string, s: Segment): Json {
  const sizeBytes = s.car.length;
  const seed = 'segments/largest';
  return {
    name,
    domain: { ...s.domain },
    dataset: hex(s.dataset),
    kind: s.kind,
    serial: s.serial,
    datasetKey: hex(s.datasetKey),
    devicePrivateKey: hex(s.device.privateKey),
    signer: s.device.address,
    ...(sizeBytes < 65_536 ? { carHex: hex(s.car) } : { carPieces: piecesAround(s.car, seed, s.stored[0]!) }),
    carSize: sizeBytes,
    carSha256: hex(sha256(s.car)),
    key: objectKey(s.dataset, s.first, s.car),
    manifestCid: cidText(s.sections[0]!.cid),
    manifestSize: s.sections[0]!.data.length,
    first: s.first.toString(),
    random16: hex(s.random16),
    salt: hex(s.sealing.salt),
    nonce: s.nonce ? hex(s.nonce) : null,
    peaksBefore: peaks(s.before).map(hex),
    head: { size: s.head.size.toString(), root: hex(s.head.root) },
    signature: hex(s.signature),
    blocks: s.blocks.map(({ content, meta, object }, i) => ({
      index: (s.first + BigInt(i)).toString(),
      content: content.length < 65_536 ? hex(content) : { seed, size: content.length },
      contentKey: s.contentKeys[i] ? hex(s.contentKeys[i]) : null,
      meta: Object.fromEntries(
        Object.entries(meta).map(([key, value]) => [key, value instanceof Uint8Array ? hex(value) : (value as Json)]),
      ),
      metaHex: hex(s.metas[i]!),
      object: object ?? null,
      offset: object?.offset ?? s.offsets[i + 1]!,
      size: s.stored[i]!.length,
      sha256: hex(sha256(s.stored[i]!)),
      chunkRoot: hex((s.manifest.blocks as { chunkRoot: Uint8Array }[])[i]!.chunkRoot),
      digest: hex(s.digests[i]!),
      blockKey: hex(s.sealing.blockKeys[i]!),
      contentCommitment: hex(contentCommitment(s.contentKeys[i]!)),
      record: hex(s.records[i]!),
      leafHash: hex(leafHash(s.records[i]!)),
    })),
  };
}
