import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { NONCE_BYTES } from '../block/content-keys.ts';
import { concatBytes } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { CHUNK_BYTES, MAX_BATCH_BLOCKS, MAX_BLOCK_BYTES, MAX_RECORD_BLOCKS, RECORD_BYTES } from '../limits.ts';
import { parseRecord, recordBytes } from '../log/record.ts';
import type { ShownRecord } from '../log/verify-records.ts';
import type { Answers, Fault, HashedBlock, ProvenChunk, Records } from '../ports/css.ts';
import { MAX_CHALLENGE_BLOCKS } from './requests.ts';

/*
 * Answers travel as dag-cbor lists without field names, paths as one byte string: an audit's size is what a consumer
 * pays for in time. Readers bound everything, as the writer is not trusted.
 */

const index = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const bytesOf = (least: number, most: number) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= least && value.length <= most);
const hash = bytesOf(32, 32);
const nodes = (most: number) =>
  bytesOf(0, 32 * most)
    .refine((bytes) => bytes.length % 32 === 0)
    .transform(splitNodes);
const size = z.int().min(1).max(MAX_BLOCK_BYTES);

const fault = z
  .tuple([index, z.enum(['unavailable', 'refused', 'unrecorded']), z.string().max(500)])
  .transform(([index, kind, reason]): Fault => ({ index, kind, reason }));
const hashedBlock = z
  .tuple([index, size, hash, hash, hash])
  .transform(
    ([index, size, sha256, chunkRoot, metaHash]) =>
      ({ index, opening: { size, sha256, chunkRoot, metaHash } }) as unknown as HashedBlock,
  );
const provenChunk = z
  .tuple([index, size, hash, hash, bytesOf(1, CHUNK_BYTES), nodes(10)])
  .transform(
    ([index, size, sha256, metaHash, chunk, path]) =>
      ({ index, size, sha256, metaHash, chunk, path }) as unknown as ProvenChunk,
  );
const answersOf = <T extends z.ZodType>(answer: T) =>
  z.tuple([z.array(z.union([fault, answer])).max(MAX_CHALLENGE_BLOCKS), z.array(index).max(MAX_CHALLENGE_BLOCKS)]);

const shownRecord = z
  .tuple([index, bytesOf(RECORD_BYTES, RECORD_BYTES)])
  .transform(([index, record]): ShownRecord => ({ index, record: parseRecord(record) }));
const batchRecords = z
  .tuple([
    index,
    z.int().min(1).max(MAX_BATCH_BLOCKS),
    z.int().min(1).max(0xffff_ffff),
    hash,
    bytesOf(NONCE_BYTES, NONCE_BYTES).nullable(),
    z.int().min(0).max(MAX_BLOCK_BYTES),
    z.array(shownRecord).min(1).max(MAX_RECORD_BLOCKS),
  ])
  .transform(([first, count, serial, salt, nonce, largestBlockBytes, records]) => ({
    first,
    count,
    serial,
    salt,
    nonce,
    largestBlockBytes,
    records,
  }));
/** A multiproof of 512 records in a log of 2^48 has at most 39 nodes a record beside the 9 levels that they share. */
const MAX_PROOF_NODES = 40 * MAX_RECORD_BLOCKS;
const recordsAnswer = z
  .tuple([z.array(batchRecords).max(MAX_RECORD_BLOCKS), nodes(MAX_PROOF_NODES), z.array(fault).max(MAX_RECORD_BLOCKS)])
  .transform(([batches, proof, faults]) => ({ batches, proof, faults }) as unknown as Records);

export function encodeHashedBlocks(answers: Answers<HashedBlock>): Uint8Array {
  return encodeAnswers(answers, ({ index, opening }) => [
    ...[index, opening.size, opening.sha256, opening.chunkRoot, opening.metaHash],
  ]);
}

/** @throws ArgumentError when the bytes are no such answer */
export function decodeHashedBlocks(bytes: Uint8Array): Answers<HashedBlock> {
  const [answers, remaining] = decode('answer of hash-blocks', answersOf(hashedBlock), bytes);
  return { answers, remaining };
}

export function encodeProvenChunks(answers: Answers<ProvenChunk>): Uint8Array {
  return encodeAnswers(answers, (proven) => [
    ...[proven.index, proven.size, proven.sha256, proven.metaHash, proven.chunk, concatBytes(...proven.path)],
  ]);
}

/** @throws ArgumentError when the bytes are no such answer */
export function decodeProvenChunks(bytes: Uint8Array): Answers<ProvenChunk> {
  const [answers, remaining] = decode('answer of prove-chunks', answersOf(provenChunk), bytes);
  return { answers, remaining };
}

export function encodeRecords(records: Records): Uint8Array {
  const batches = records.batches.map((batch) => [
    ...[batch.first, batch.count, batch.serial, batch.salt, batch.nonce, batch.largestBlockBytes],
    batch.records.map(({ index, record }) => [index, recordBytes(record)]),
  ]);
  return dagCbor.encode([batches, concatBytes(...records.proof), records.faults.map(faultLine)]);
}

/** @throws ArgumentError when the bytes are no such answer */
export function decodeRecords(bytes: Uint8Array): Records {
  return decode('answer of get-records', recordsAnswer, bytes);
}

function encodeAnswers<T extends { index: number }>(answers: Answers<T>, line: (answer: T) => unknown[]): Uint8Array {
  const lines = answers.answers.map((answer) => ('kind' in answer ? faultLine(answer as Fault) : line(answer as T)));
  return dagCbor.encode([lines, [...answers.remaining]]);
}

function faultLine(fault: Fault): unknown[] {
  return [fault.index, fault.kind, fault.reason.slice(0, 500)];
}

function decode<T extends z.ZodType>(what: string, schema: T, bytes: Uint8Array): z.output<T> {
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new ArgumentError(`The ${what} is not dag-cbor.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ArgumentError(`The ${what} is malformed at ${issue?.path.join('.') ?? '?'}: ${issue?.message ?? '?'}.`);
  }
  return parsed.data;
}

function splitNodes(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)));
}
