import type * as z from 'zod';
import type { AttachedObject } from '../block/attached-object.ts';
import { fromHex } from '../bytes.ts';
import { charterFromWire } from '../charter/wire-charter.ts';
import { PlumblineError } from '../errors.ts';
import type {
  Address,
  BlockKey,
  ChunkRoot,
  ContentKey,
  DatasetId,
  LogRoot,
  MetaHash,
  RoundRoot,
  Sha256,
} from '../ids.ts';
import { beyondBounds } from '../json-bounds.ts';
import { parseRecord } from '../log/record.ts';
import type { WireCharter } from '../wire/requests.ts';
import { fromBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import {
  type EvidenceBlock,
  EvidenceError,
  type EvidenceFile,
  MAX_EVIDENCE_BLOCKS,
  MAX_EVIDENCE_CHARTERS,
  MAX_EVIDENCE_FILE_BYTES,
  MAX_EVIDENCE_FRAME_BYTES,
  MAX_EVIDENCE_STORED_BYTES,
  type NamedChainBlock,
  type NamedTransaction,
  type ShownCharter,
} from './evidence.ts';
import { evidenceSchema, type WireEvidence } from './evidence-schema.ts';

/**
 * Reads an evidence file: bounded, canonical, every field known. What it says is not checked by this.
 * @throws EvidenceError naming the field
 * @example
 * const evidence = parseEvidence(await readFile('door.evidence.json'));
 * const finding = verifyEvidence(primitives, evidence, { dissc: DISSC_ADDRESS });
 */
export function parseEvidence(file: Uint8Array): EvidenceFile {
  if (file.length > MAX_EVIDENCE_FILE_BYTES) {
    throw new EvidenceError(
      `The file has ${file.length} bytes; evidence has at most ${MAX_EVIDENCE_FILE_BYTES}. Ask for fewer blocks in one file.`,
      'its size',
    );
  }
  const wire = parseWire(textOf(file));
  let storedBytes = 0;
  let storedDigits = 0;
  for (const { bytes } of wire.blocks) {
    storedDigits += bytes?.length ?? 0;
    storedBytes += Math.floor((3 * (bytes?.length ?? 0)) / 4);
  }
  if (storedBytes > MAX_EVIDENCE_STORED_BYTES) {
    throw new EvidenceError(
      `Its blocks include ${storedBytes} stored bytes; at most ${MAX_EVIDENCE_STORED_BYTES} fit. Leave the bytes out, or ask for fewer blocks in one file.`,
      'blocks',
    );
  }
  if (file.length - storedDigits > MAX_EVIDENCE_FRAME_BYTES) {
    throw new EvidenceError(
      `The file has ${file.length - storedDigits} bytes beside stored ones; at most ${MAX_EVIDENCE_FRAME_BYTES} fit.`,
      'its size',
    );
  }
  const { chainId, dissc, dataset, head, round, range } = wire;
  const blocks = wire.blocks.map((block, number) => parseBlock(block, `blocks.${number}`));
  requireAscending(blocks, ({ index }) => index, 'blocks');
  requireAscending(wire.charters, ({ serial }) => serial, 'charters');
  requireAscending(wire.after, ({ blockNumber }) => blockNumber, 'after');
  if (wire.record === null && round === null) {
    throw new EvidenceError('It names neither a record on DISSC nor a round, but needs one of the two.', 'record');
  }
  if (range !== null && range.from > range.to) throw new EvidenceError('It ends before it begins.', 'range');
  return {
    domain: { chainId, dissc: dissc as Address },
    dataset: dataset as DatasetId,
    charters: wire.charters.map((charter, number) => parseCharter(charter, `charters.${number}`)),
    head: {
      dataset: dataset as DatasetId,
      size: head.size,
      root: fromHex(head.root) as LogRoot,
      serial: head.serial,
      signature: fromHex(head.signature),
    },
    record: wire.record === null ? null : parseTransaction(wire.record),
    round:
      round === null
        ? null
        : {
            ...parseTransaction(round),
            anchorer: round.anchorer as Address,
            number: round.number,
            previous: fromHex(round.previous) as RoundRoot,
            history: fromHex(round.history) as LogRoot,
            path: round.path.map((sibling) => fromHex(sibling)),
          },
    blocks,
    proof: wire.proof.map((node) => fromHex(node)),
    range,
    after: wire.after.map(parseChainBlock),
    timestamp: parseTimestamp(wire.timestamp),
  };
}

/** What it says is not read here. */
function parseTimestamp(timestamp: string | null): Uint8Array | null {
  return timestamp === null ? null : inField('timestamp', () => fromBase64(timestamp));
}

function textOf(file: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file);
  } catch (cause) {
    throw new EvidenceError('The file is not text in UTF-8.', 'its bytes', { cause });
  }
}

/** The frame has fewer, each field and node being some seventy bytes; and four levels. */
const BOUNDS = { maxDepth: 8, maxCommas: 2 ** 21 };
/** A schema may repeat all the fields that it does not know. */
const MAX_ISSUE_CHARS = 300;

function parseWire(text: string): WireEvidence {
  const beyond = beyondBounds(text, BOUNDS);
  if (beyond !== null) throw new EvidenceError(`The file is not evidence. ${beyond}`, 'its text');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EvidenceError('The file is not JSON. Check that it is complete and that it is evidence.', 'its text');
  }
  const wire = requireShape(value);
  // Of the known shape, so that it is not deep: JSON that JSON.parse takes may be.
  if (canonicalJson(value) !== text) {
    throw new EvidenceError(
      "The file is not in evidence's canonical form: keys sorted, none twice, no white space. Someone may have edited or reformatted it.",
      'its text',
    );
  }
  return wire;
}

/** The lists that may be long, and how many members each may have. */
const LONG_LISTS = {
  charters: MAX_EVIDENCE_CHARTERS,
  blocks: MAX_EVIDENCE_BLOCKS,
  proof: 48 * MAX_EVIDENCE_BLOCKS,
  after: MAX_EVIDENCE_BLOCKS,
} as const;
const MAX_PATH = 256;

/** By the schema, but no further than to the first member that does not fit: a schema collects the faults of a million. */
function requireShape(value: unknown): WireEvidence {
  const frame = { ...(value as Readonly<Record<string, unknown>> | null) };
  for (const [name, most] of Object.entries(LONG_LISTS)) {
    const list = frame[name];
    if (!Array.isArray(list)) continue;
    requireLength(list, most, name);
    const { element } = evidenceSchema.shape[name as keyof typeof LONG_LISTS];
    for (const [number, member] of list.entries()) requireFits(element, member, [name, number]);
    frame[name] = list.slice(0, 1);
  }
  const { path = null } = (frame.round ?? {}) as { readonly path?: unknown };
  if (Array.isArray(path)) requireLength(path, MAX_PATH, 'round.path');
  requireFits(evidenceSchema, Array.isArray(value) ? value : frame, []);
  return value as WireEvidence;
}

function requireLength(list: readonly unknown[], most: number, where: string): void {
  if (list.length > most) {
    throw new EvidenceError(`It has ${list.length} members; at most ${most} are allowed.`, where);
  }
}

function requireFits(schema: z.ZodType, value: unknown, at: readonly (string | number)[]): void {
  const parsed = schema.safeParse(value);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  const where = [...at, ...(issue?.path ?? [])].join('.') || 'its top';
  throw new EvidenceError(`${(issue?.message ?? 'It is malformed').slice(0, MAX_ISSUE_CHARS)}.`, where);
}

function parseBlock(wire: WireEvidence['blocks'][number], where: string): EvidenceBlock {
  const { index, size, sha256, chunkRoot, metaHash, meta, blockKey, record, contentKey, object, bytes } = wire;
  return {
    index,
    opening: {
      size,
      sha256: fromHex(sha256) as Sha256,
      chunkRoot: fromHex(chunkRoot) as ChunkRoot,
      metaHash: fromHex(metaHash) as MetaHash,
    },
    meta: meta === null ? null : fromHex(meta),
    blockKey: fromHex(blockKey) as BlockKey,
    record: parseRecord(fromHex(record)),
    contentKey: contentKey === null ? null : (fromHex(contentKey) as ContentKey),
    object: object === null ? null : inField(`${where}.object`, () => requireObject(object)),
    bytes: bytes === null ? null : inField(`${where}.bytes`, () => fromBase64(bytes)),
  };
}

/** That it fits the meta is `verifyEvidence`'s to say. */
function requireObject(object: AttachedObject): AttachedObject {
  for (const text of [object.key, object.versionId]) {
    if (text !== null && !text.isWellFormed()) throw new EvidenceError('It is not text in UTF-8.', 'object');
  }
  return object;
}

function parseCharter(wire: WireEvidence['charters'][number], where: string): ShownCharter {
  const { chartered, ...charter } = wire;
  return {
    charter: inField(where, () => charterFromWire(charter as WireCharter)),
    chartered:
      chartered === null ? null : { txHash: fromHex(chartered.transaction), blockNumber: chartered.blockNumber },
  };
}

function parseChainBlock(wire: WireEvidence['after'][number]): NamedChainBlock {
  return { blockHash: fromHex(wire.blockHash), blockNumber: wire.blockNumber, timeSeconds: wire.timeSeconds };
}

function parseTransaction(wire: WireEvidence['after'][number] & { readonly transaction: string }): NamedTransaction {
  return { ...parseChainBlock(wire), txHash: fromHex(wire.transaction) };
}

function inField<T>(where: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    throw new EvidenceError(cause.shortMessage, where, { cause });
  }
}

function requireAscending<T>(list: readonly T[], numberOf: (one: T) => number, where: string): void {
  for (const [i, one] of list.entries()) {
    const before = list[i - 1];
    if (before !== undefined && numberOf(before) >= numberOf(one)) {
      throw new EvidenceError('They must be in ascending order, without repeats.', `${where}.${i}`);
    }
  }
}
