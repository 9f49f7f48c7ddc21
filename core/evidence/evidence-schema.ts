import * as z from 'zod';
import {
  MAX_BLOCK_BYTES,
  MAX_LOG_BLOCKS,
  MAX_META_BYTES,
  MAX_OBJECT_KEY_BYTES,
  MAX_VERSION_ID_BYTES,
  RECORD_BYTES,
} from '../limits.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';
import { MAX_EVIDENCE_BLOCKS, MAX_EVIDENCE_CHARTERS } from './evidence.ts';
import { MAX_TIMESTAMP_BYTES } from './timestamp.ts';

const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`));
const hexUpTo = (bytes: number) =>
  z
    .string()
    .regex(/^0x(?:[0-9a-f]{2})+$/)
    .max(2 + 2 * bytes);
const base64UpTo = (bytes: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9+/]+={0,2}$/)
    .max(4 * Math.ceil(bytes / 3));
const whole = (least = 0, most = Number.MAX_SAFE_INTEGER) => z.int().min(least).max(most);
const serial = whole(1, 0xffff_ffff);

const hash = hex(32);
const account = hex(20);
const chainBlock = { blockHash: hash, blockNumber: whole(), timeSeconds: whole() };
const transaction = { ...chainBlock, transaction: hash };

const charter = z.strictObject({
  owner: account,
  name: z.string().min(1).max(32),
  kind: whole(0, 2),
  device: account,
  anchorer: account,
  serial,
  from: whole(),
  signature: hex(SIGNATURE_BYTES).nullable(),
  chartered: z.strictObject({ transaction: hash, blockNumber: whole() }).nullable(),
});

const block = z.strictObject({
  index: whole(0, MAX_LOG_BLOCKS - 1),
  size: whole(1, MAX_BLOCK_BYTES),
  sha256: hash,
  chunkRoot: hash,
  metaHash: hash,
  meta: hexUpTo(MAX_META_BYTES).nullable(),
  blockKey: hash,
  record: hex(RECORD_BYTES),
  contentKey: hash.nullable(),
  object: z
    .strictObject({
      key: z.string().min(1).max(MAX_OBJECT_KEY_BYTES),
      versionId: z.string().min(1).max(MAX_VERSION_ID_BYTES).nullable(),
      offset: whole(),
    })
    .nullable(),
  bytes: base64UpTo(MAX_BLOCK_BYTES).nullable(),
});

/** An evidence file as JSON has it (specification#evidence-files). Every field is always there; null says that there is none. */
export const evidenceSchema = z.strictObject({
  v: z.literal(2),
  chainId: whole(1),
  dissc: account,
  dataset: hash,
  charters: z.array(charter).min(1).max(MAX_EVIDENCE_CHARTERS),
  head: z.strictObject({ size: whole(1, MAX_LOG_BLOCKS), root: hash, serial, signature: hex(SIGNATURE_BYTES) }),
  record: z.strictObject(transaction).nullable(),
  round: z
    .strictObject({
      ...transaction,
      anchorer: account,
      number: whole(1),
      previous: hash,
      history: hash,
      path: z.array(hash).max(256),
    })
    .nullable(),
  blocks: z.array(block).min(1).max(MAX_EVIDENCE_BLOCKS),
  proof: z.array(hash).max(48 * MAX_EVIDENCE_BLOCKS),
  range: z.strictObject({ from: whole(), to: whole() }).nullable(),
  after: z.array(z.strictObject(chainBlock)).max(MAX_EVIDENCE_BLOCKS),
  timestamp: base64UpTo(MAX_TIMESTAMP_BYTES).nullable(),
});

export type WireEvidence = z.output<typeof evidenceSchema>;
