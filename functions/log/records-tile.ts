import { NONCE_BYTES } from '../../core/block/content-keys.ts';
import { concatBytes, equalBytes, fromHex, u8, u32, u64 } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { RECORD_BYTES } from '../../core/limits.ts';
import { TILE_WIDTH } from '../../core/log/tiles.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { RecordsEntry } from '../state/entries.ts';

/** What a record is shown with: what its manifest says of the batch. */
export type BatchFacts = Pick<RecordsEntry, 'first' | 'count' | 'serial' | 'salt' | 'nonce' | 'largestBlockBytes'>;

/** A record as it is kept, with what is kept of its batch. */
export interface KeptRecord {
  readonly batch: BatchFacts;
  /** 96 bytes. */
  readonly bytes: Uint8Array;
}

/** 256 records of one log, cut out of their object when they are asked for. */
export interface RecordsTile {
  record(index: number): KeptRecord;
  /** 96 bytes. */
  recordBytes(index: number): Uint8Array;
}

/** Which tile, of which log. */
export interface RecordsTilePlace {
  readonly dataset: DatasetId;
  /** It holds the records from block 256 · number on. */
  readonly number: number;
}

type Hasher = Pick<Primitives, 'sha256'>;

const ALL_RECORDS = TILE_WIDTH * RECORD_BYTES;
const SALT_BYTES = 32;
/** Where in the tile its records begin, first, count, serial, largest block, salt, whether there is a nonce, nonce. */
const BATCH_BYTES = 1 + 8 + 4 + 4 + 4 + SALT_BYTES + 1 + NONCE_BYTES;
const CHECK_BYTES = 32;
/** Of a tile in which each record is a batch. */
export const MOST_RECORDS_TILE_BYTES = ALL_RECORDS + TILE_WIDTH * BATCH_BYTES + CHECK_BYTES;

/** `<dataset>/tile/records/<n>`, the dataset in lower-case hex without 0x, the number in decimal (specification#tiles). */
export function recordsTileKey({ dataset, number }: RecordsTilePlace): string {
  return `${dataset.slice(2)}/tile/records/${number}`;
}

/** The object for 256 records, in the order of their blocks (specification#tiles). */
export function encodeRecordsTile(hasher: Hasher, place: RecordsTilePlace, records: readonly KeptRecord[]): Uint8Array {
  const batches = records.flatMap(({ batch }, at) =>
    batch === records[at - 1]?.batch ? [] : [encodeBatch(at, batch)],
  );
  const bytes = concatBytes(...records.map(({ bytes }) => bytes), ...batches);
  return concatBytes(bytes, checkOf(hasher, place, bytes));
}

/** What an object says, or null when it is damaged, or that of another place. */
export function openRecordsTile(hasher: Hasher, place: RecordsTilePlace, object: Uint8Array): RecordsTile | null {
  const count = (object.length - ALL_RECORDS - CHECK_BYTES) / BATCH_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > TILE_WIDTH) return null;
  const end = object.length - CHECK_BYTES;
  if (!equalBytes(object.subarray(end), checkOf(hasher, place, object.subarray(0, end)))) return null;
  const begin = place.number * TILE_WIDTH;
  const recordBytes = (index: number) => {
    const at = RECORD_BYTES * (index - begin);
    return object.subarray(at, at + RECORD_BYTES);
  };
  return {
    recordBytes,
    record(index) {
      let at = end - BATCH_BYTES;
      while (at > ALL_RECORDS && (object[at] as number) > index - begin) at -= BATCH_BYTES;
      return { batch: decodeBatch(object.subarray(at, at + BATCH_BYTES)), bytes: recordBytes(index) };
    },
  };
}

function encodeBatch(at: number, { first, count, serial, salt, nonce, largestBlockBytes }: BatchFacts): Uint8Array {
  const numbers = [u8(at), u64(first), u32(count), u32(serial), u32(largestBlockBytes)];
  return concatBytes(...numbers, salt, u8(nonce === null ? 0 : 1), nonce ?? new Uint8Array(NONCE_BYTES));
}

function decodeBatch(bytes: Uint8Array): BatchFacts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    first: Number(view.getBigUint64(1)),
    count: view.getUint32(9),
    serial: view.getUint32(13),
    largestBlockBytes: view.getUint32(17),
    salt: bytes.slice(21, 21 + SALT_BYTES),
    nonce: bytes[21 + SALT_BYTES] === 0 ? null : bytes.slice(22 + SALT_BYTES),
  };
}

/** Shows damage, not malice, and what stands under another's key: whoever checks a proof is the judge of the rest. */
function checkOf({ sha256 }: Hasher, { dataset, number }: RecordsTilePlace, bytes: Uint8Array): Uint8Array {
  return sha256(concatBytes(fromHex(dataset), u64(number), sha256(bytes)));
}
