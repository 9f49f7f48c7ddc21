import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { concatBytes, equalBytes, u8, u32, u64 } from '../bytes.ts';
import { ArgumentError, KeyError } from '../errors.ts';
import { type AuditKey, type DatasetId, datasetBytes } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { decodeMeta } from './meta.ts';

/** What `DISSC.link` takes at most in one call. */
export const MAX_LINK_BYTES = 65_536;
const IV_BYTES = 12;
const MAX_CID_BYTES = 128;
const SERIAL_BYTES = 4;

/** Where other storage keeps one block: its ObjectID there, and the meta that the block's digest binds. */
export interface LinkedObject {
  /** CID of the block's stored bytes, by whatever hash, version or chunking. */
  readonly cid: string;
  readonly meta: Uint8Array;
}

/** Whose key seals a link: the newest device on the chain. */
export interface LinkingDevice {
  readonly serial: number;
  readonly auditKey: AuditKey;
}

/** The blocks that one link is about; as many as it has objects. */
export interface LinkedRange {
  readonly first: number;
  readonly count: number;
}

/**
 * ObjectIDs of consecutive blocks, sealed for `DISSC.link`: u32 serial ‖ iv12 ‖ AES-256-GCM(HMAC(auditKey, 15), iv, aad =
 * dataset32 ‖ u64 first ‖ u32 count, dag-cbor [[CID in binary, meta], …]). `serial` and `auditKey` are those of the newest
 * device on the chain (specification#linked-objects). An ObjectID may be a plain hash, hence the encryption.
 * @throws ArgumentError when they do not fit one call
 */
export function sealLinkedObjects(
  primitives: Primitives,
  device: LinkingDevice,
  dataset: DatasetId,
  first: number,
  objects: readonly LinkedObject[],
): Uint8Array {
  const entries = objects.map(({ cid, meta }) => {
    decodeMeta(meta);
    return [parseCid(cid).bytes, meta];
  });
  const plaintext = dagCbor.encode(entries);
  const iv = primitives.randomBytes(IV_BYTES);
  const aad = additionalData(dataset, { first, count: objects.length });
  const key = linkKey(primitives, device.auditKey);
  const sealed = concatBytes(u32(device.serial), iv, primitives.sealAesGcm(key, iv, aad, plaintext));
  if (objects.length < 1 || sealed.length > MAX_LINK_BYTES) {
    throw new ArgumentError(
      `${objects.length} objects take ${sealed.length} bytes; a link holds at least 1 object and at most ${MAX_LINK_BYTES} bytes. Link fewer at once.`,
    );
  }
  return sealed;
}

/** The serial of the device whose audit key seals these objects. @throws ArgumentError when they are too short to say */
export function linkSerial(sealed: Uint8Array): number {
  if (sealed.length < SERIAL_BYTES)
    throw new ArgumentError(`A link of ${sealed.length} bytes does not name its device.`);
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(0);
}

/**
 * The objects of one link, in the order of its blocks.
 * @throws KeyError when they were sealed under another key, or for other blocks
 * @throws ArgumentError when they are not what this version writes
 */
export function openLinkedObjects(
  primitives: Primitives,
  auditKey: AuditKey,
  dataset: DatasetId,
  range: LinkedRange,
  sealed: Uint8Array,
): LinkedObject[] {
  const iv = sealed.subarray(SERIAL_BYTES, SERIAL_BYTES + IV_BYTES);
  const aad = additionalData(dataset, range);
  const plaintext =
    sealed.length > MAX_LINK_BYTES || sealed.length < SERIAL_BYTES + IV_BYTES
      ? null
      : primitives.openAesGcm(linkKey(primitives, auditKey), iv, aad, sealed.subarray(SERIAL_BYTES + IV_BYTES));
  if (plaintext === null) {
    throw new KeyError(`The audit key does not open the objects linked to block ${range.first}.`);
  }
  const entries = decodeEntries(plaintext);
  if (entries.length !== range.count) {
    throw new ArgumentError(`The link covers ${range.count} blocks but names ${entries.length} objects.`);
  }
  return entries;
}

function decodeEntries(plaintext: Uint8Array): LinkedObject[] {
  let value: unknown;
  try {
    value = dagCbor.decode(plaintext);
  } catch (cause) {
    throw new ArgumentError('The linked objects are not dag-cbor.', { cause });
  }
  if (!Array.isArray(value) || !equalBytes(dagCbor.encode(value), plaintext)) {
    throw new ArgumentError('The linked objects are not a canonical dag-cbor list.');
  }
  return value.map((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 2)
      throw new ArgumentError('A linked object must be a CID and a meta.');
    const [cid, meta] = entry as [unknown, unknown];
    if (!(cid instanceof Uint8Array) || !(meta instanceof Uint8Array) || cid.length > MAX_CID_BYTES) {
      throw new ArgumentError('A linked object must be a CID and a meta, both as byte strings.');
    }
    decodeMeta(meta);
    return { cid: decodeCid(cid).toString(), meta };
  });
}

function linkKey(primitives: Primitives, auditKey: AuditKey): Uint8Array {
  return primitives.hmacSha256(auditKey, u8(0x15));
}

function additionalData(dataset: DatasetId, { first, count }: LinkedRange): Uint8Array {
  return concatBytes(datasetBytes(dataset), u64(first), u32(count));
}

function parseCid(text: string): CID {
  try {
    const cid = CID.parse(text);
    if (cid.bytes.length <= MAX_CID_BYTES) return cid;
  } catch {
    // Said below, as for one that is too long.
  }
  throw new ArgumentError(`${JSON.stringify(text.slice(0, 100))} is not a CID of at most ${MAX_CID_BYTES} bytes.`);
}

function decodeCid(bytes: Uint8Array): CID {
  try {
    return CID.decode(bytes);
  } catch (cause) {
    throw new ArgumentError('The ObjectID in a link is not a CID.', { cause });
  }
}
