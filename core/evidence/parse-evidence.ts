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
import { parseRecord } from '../log/record.ts';
import type { WireCharter } from '../wire/requests.ts';
import { fromBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import {
  type EvidenceBlock,
  EvidenceError,
  type EvidenceFile,
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

function parseWire(text: string): WireEvidence {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EvidenceError('The file is not JSON. Check that it is complete and that it is evidence.', 'its text');
  }
  const parsed = evidenceSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new EvidenceError(`${issue?.message ?? 'It is malformed'}.`, issue?.path.join('.') || 'its top');
  }
  // Of the known shape, so that it is not deep: JSON that JSON.parse takes may be.
  if (canonicalJson(value) !== text) {
    throw new EvidenceError(
      "The file is not in evidence's canonical form: keys sorted, none twice, no white space. Someone may have edited or reformatted it.",
      'its text',
    );
  }
  return parsed.data;
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
