import * as z from 'zod';
import { ENC_BYTES, MAX_MESSAGES, MAX_PAYLOAD_BYTES } from '../agreement/message.ts';
import { MAX_LOG_BLOCKS, MAX_NAME_BYTES, MAX_RECORD_BLOCKS, MAX_SEGMENT_BYTES } from '../limits.ts';
import { MAX_REQUEST_BYTES } from '../market/buying-request.ts';
import { MAX_DESCRIPTION_BYTES } from '../market/description.ts';
import { MAP_DEPTH } from '../rounds/map-leaf.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';

/** Blocks one hash-blocks or prove-chunks request may name. */
export const MAX_CHALLENGE_BLOCKS = 512;
/** Lines of one page of list-batches. */
export const MAX_PAGE = 500;

const index = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const hash0x = z.string().regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 lower-case hex digits');

const address0x = z.string().regex(/^0x[0-9a-f]{40}$/, 'must be 0x and 40 lower-case hex digits');
const hex0x = (least: number, most: number) =>
  z
    .string()
    .regex(/^0x(?:[0-9a-f]{2})*$/, 'must be 0x and pairs of lower-case hex digits')
    .min(2 + 2 * least)
    .max(2 + 2 * most);

export const datasetParameter = hash0x;
export const agreementParameter = hash0x;
/** Under which agreement its consumer, or its owner's agent, asks for blocks. */
export const underAgreementQuery = z.strictObject({ agreement: agreementParameter.optional() });
export const indexParameter = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, 'must be a decimal number without leading zeros')
  .transform(Number)
  .pipe(index);

export const uploadSegmentRequest = z.strictObject({
  first: index,
  sha256: hash0x,
  sizeBytes: z.int().min(1).max(MAX_SEGMENT_BYTES),
  /** Who records it: the service for the device, or the device by itself, for which the service then pays nothing. */
  record: z.enum(['relayed', 'direct']).default('relayed'),
  /** The device has put it before: the store is asked whether it is there, and what is there is checked in now. */
  look: z.boolean().default(false),
});

const uniqueBlocks = (most: number) =>
  z
    .array(index)
    .min(1)
    .max(most)
    .refine((blocks) => new Set(blocks).size === blocks.length, 'must not name a block twice')
    .meta({ uniqueItems: true });

export const hashBlocksRequest = z.strictObject({ blocks: uniqueBlocks(MAX_CHALLENGE_BLOCKS) });

export const proveChunksRequest = z.strictObject({
  challenges: z
    .array(z.strictObject({ index, random: z.int().min(0).max(0xffff_ffff) }))
    .min(1)
    .max(MAX_CHALLENGE_BLOCKS)
    .refine((list) => new Set(list.map((c) => c.index)).size === list.length, 'must not name a block twice')
    .meta({ uniqueItems: true, description: 'No block is named twice, whatever its random number.' }),
});

export const getRecordsRequest = z.strictObject({
  blocks: uniqueBlocks(MAX_RECORD_BLOCKS),
  /** Blocks of the head that the records are proven in. */
  size: z.int().min(1).max(MAX_LOG_BLOCKS),
});

/** Amounts are decimal, as JSON's numbers end at 2^53. */
const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,38})$/, 'must be a decimal number of at most 39 digits')
  .transform(BigInt);

export const storeVoucherRequest = z.strictObject({ due: amount, signature: hex0x(SIGNATURE_BYTES, SIGNATURE_BYTES) });

/** What is owed by the highest voucher that the service has of the agreement. */
export const storeVoucherResponse = z.strictObject({ due: amount });

/** The highest voucher itself, for whoever is paid by it; null before the first. */
export const getVoucherResponse = z.strictObject({ voucher: storeVoucherRequest.nullable() });

export const postMessageRequest = z.strictObject({
  to: address0x,
  sequence: z
    .int()
    .min(0)
    .max(MAX_MESSAGES - 1),
  enc: hex0x(ENC_BYTES, ENC_BYTES),
  ciphertext: hex0x(0, MAX_PAYLOAD_BYTES - ENC_BYTES),
  signature: hex0x(SIGNATURE_BYTES, SIGNATURE_BYTES),
});

/** `stored` is false when the very same message was there already. */
export const postMessageResponse = z.strictObject({ stored: z.boolean() });

/** Messages of one party, from a sequence on. */
export const listMessagesQuery = z.strictObject({
  from: address0x,
  sequence: indexParameter.pipe(z.int().min(0).max(MAX_MESSAGES)).optional(),
});

/** A text for people with the signature that is of it; what it says is parsed where it is read. */
const signedText = (mostBytes: number) =>
  z.strictObject({ text: z.string().min(2).max(mostBytes), signature: hex0x(SIGNATURE_BYTES, SIGNATURE_BYTES) });

export const putDescriptionRequest = signedText(MAX_DESCRIPTION_BYTES);

/** `stored` is false when the very same description was there already. */
export const putDescriptionResponse = z.strictObject({ stored: z.boolean() });

/** At most so many descriptions come in one answer. */
export const MAX_DESCRIPTIONS = 50;

export const getDescriptionsRequest = z.strictObject({
  agreements: z
    .array(agreementParameter)
    .min(1)
    .max(MAX_DESCRIPTIONS)
    .refine((ids) => new Set(ids).size === ids.length, 'must not name an agreement twice')
    .meta({ uniqueItems: true }),
});

/** Of those asked for that have one. */
export const getDescriptionsResponse = z.strictObject({
  descriptions: z.array(putDescriptionRequest.extend({ agreement: hash0x })).max(MAX_DESCRIPTIONS),
});

export const putRequestRequest = signedText(MAX_REQUEST_BYTES);

/** What the request is called by; `stored` is false when the very same one was there already. */
export const putRequestResponse = z.strictObject({ id: hash0x, stored: z.boolean() });

/** At most so many requests come in one answer. */
export const MAX_REQUEST_PAGE = 64;

export const listRequestsQuery = z.strictObject({ cursor: z.string().min(1).max(64).optional() });

export const listRequestsResponse = z.strictObject({
  requests: z.array(putRequestRequest).max(MAX_REQUEST_PAGE),
  next: z.string().max(64).nullable(),
});

/** Query of list-batches: blocks from … to, or capture times (ms) from … to, both inclusive. */
export const listBatchesQuery = z.strictObject({
  by: z.enum(['block', 'time']).default('block'),
  from: indexParameter.optional(),
  to: indexParameter.optional(),
  cursor: z.string().max(256).optional(),
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(MAX_PAGE))
    .optional(),
});

const wireHead = z.strictObject({ size: index, root: hash0x });
export type WireHead = z.infer<typeof wireHead>;

const presigned = z.strictObject({
  method: z.enum(['PUT', 'GET']),
  url: z.url().max(8192),
  headers: z.record(z.string().max(128), z.string().max(1024)),
  expiresAtMs: index,
});

/** A final round, as it is named. */
const finalRound = z.strictObject({ number: z.int().min(1), root: hash0x });

export const uploadSegmentResponse = z.strictObject({
  key: z.string().max(256),
  /** Where to put it when it is absent, else null. */
  put: presigned.nullable(),
  /**
   * `absent`: not stored or, without `look`, not known to be. `waiting`: stored and verified, but a batch before it is
   * missing. `checked-in`: the log names it. `superseded`: the log names another batch in its place.
   */
  state: z.enum(['absent', 'waiting', 'checked-in', 'superseded']),
  /** The block whose batch is missing while this one waits: the first behind the service's log. Else null. */
  waitsFor: index.nullable(),
  /** What DISSC has, by the latest and by the final chain, as far as this service knows: a hint, for the chain says it. */
  recorded: wireHead,
  final: wireHead,
  /** The newest round of its anchorer that is final, as far as this service knows: a hint, too. */
  round: finalRound.nullable(),
});
export type UploadSegmentResponse = z.infer<typeof uploadSegmentResponse>;

/** `anchored`: in a final round of its dataset's anchorer; DISSC itself does not have it. */
const batchState = z.enum(['received', 'rejected', 'superseded', 'anchored', 'recorded', 'final']);

/** One stored segment, as list-batches shows it. */
const batchLine = z.strictObject({
  first: index,
  count: z.int().min(1).max(1024).nullable(),
  /** Of the device that sealed it, by the segment's own word. */
  serial: z.int().min(1).max(0xffff_ffff).nullable(),
  key: z.string().max(256),
  sizeBytes: index,
  state: batchState,
  /** Why it was rejected. */
  reason: z.string().max(1000).nullable(),
  /** True when its object is no longer stored. */
  lost: z.boolean(),
  /** Transaction that recorded it. */
  tx: z.string().max(66).nullable(),
  root: hash0x.nullable(),
  fromMs: index.nullable(),
  toMs: index.nullable(),
  receivedAtMs: index,
});
export type BatchLine = z.infer<typeof batchLine>;

export const listBatchesResponse = z.strictObject({
  recorded: wireHead,
  final: wireHead,
  /** The newest final round of its anchorer, which anchored batches are in, as far as this service knows. */
  round: finalRound.nullable(),
  batches: z.array(batchLine).max(MAX_PAGE),
  next: z.string().max(256).nullable(),
});
export type ListBatchesResponse = z.infer<typeof listBatchesResponse>;

const serial = z.int().min(1).max(0xffff_ffff);
const signature0x = hex0x(SIGNATURE_BYTES, SIGNATURE_BYTES);

/** A charter as it travels; the name as text. Without a signature only DISSC's word counts. */
export const wireCharter = z.strictObject({
  owner: address0x,
  name: z.string().min(1).max(MAX_NAME_BYTES),
  kind: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  device: address0x,
  anchorer: address0x,
  serial,
  from: index,
  signature: signature0x.nullable(),
});
export type WireCharter = z.infer<typeof wireCharter>;

/** `stored` is false when the very same charter was there already. */
export const putCharterResponse = z.strictObject({ stored: z.boolean() });

const growth = z.strictObject({
  from: index,
  to: index,
  peaks: z.array(hash0x).max(48),
  appended: z.array(hash0x).max(96),
});

const signedHead = z.strictObject({ size: index, root: hash0x, signature: signature0x, serial });

/** What a round says of one dataset. `previous` and `history` are 32 zero bytes in an anchorer's first round. */
export const wireRound = z.strictObject({
  number: z.int().min(1),
  /** Of its chain block, seconds since 1970. */
  time: index,
  previous: hash0x,
  history: hash0x,
  /** In the map, the deepest sibling first. */
  path: z.array(hash0x).max(MAP_DEPTH),
  /** The dataset's head there; null where there is none, or where this service does not have its signature. */
  head: signedHead.nullable(),
  /** What the path ends in, where that is not `head`. */
  end: z
    .union([
      z.literal('empty'),
      z.strictObject({ dataset: hash0x, size: index, root: hash0x, serial, signatureHash: hash0x }),
    ])
    .nullable(),
  transaction: hash0x,
});
export type WireRound = z.infer<typeof wireRound>;

/** Charter, newest signed head, the round asked for or the newest final one, and growth from `since`. Proves itself. */
export const getAnchorResponse = z.strictObject({
  charter: wireCharter,
  head: signedHead.nullable(),
  round: wireRound.nullable(),
  /** What DISSC has at a final block as far as this service has noted it: a hint. Null where the dataset stands in rounds. */
  final: wireHead.nullable(),
  growth: z.array(growth).max(2),
});
export type GetAnchorResponse = z.infer<typeof getAnchorResponse>;

/** `round`: the root that the verifier has of the chain; the newest final one when it is not given. */
export const getAnchorQuery = z.strictObject({ since: indexParameter.optional(), round: hash0x.optional() });

export const getSegmentResponse = z.strictObject({ key: z.string().max(256), get: presigned, sizeBytes: index });
export type GetSegmentResponse = z.infer<typeof getSegmentResponse>;

const cid = z.string().regex(/^b[a-z2-7]{20,127}$/, 'must be a CIDv1 in base32');

/** What IPFS calls a segment's manifest (its root) and its blocks. */
export const publishSegmentResponse = z.strictObject({
  key: z.string().max(256),
  root: cid,
  blocks: z.array(z.strictObject({ index, cid })).min(1).max(1024),
});
export type PublishSegmentResponse = z.infer<typeof publishSegmentResponse>;

/** RFC 9457 problem document. `type` is stable; `serverTimeMs` is given where the caller's clock was refused. */
export const problemDocument = z.looseObject({
  type: z.string().max(256),
  title: z.string().max(512),
  status: z.int(),
  detail: z.string().max(4096).optional(),
  serverTimeMs: index.optional(),
});
export type ProblemDocument = z.infer<typeof problemDocument>;
