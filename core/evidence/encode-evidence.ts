import { to0x, utf8 } from '../bytes.ts';
import { charterToWire } from '../charter/wire-charter.ts';
import { recordBytes } from '../log/record.ts';
import { toBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import type { EvidenceBlock, EvidenceFile, NamedChainBlock, NamedTransaction, ShownCharter } from './evidence.ts';
import type { WireEvidence } from './evidence-schema.ts';
import { parseEvidence } from './parse-evidence.ts';

/**
 * The one form of an evidence file.
 * @throws EvidenceError where a reader would refuse it: too many blocks, too large
 */
export function encodeEvidence(evidence: EvidenceFile): Uint8Array {
  const { domain, dataset, head, record, round, range } = evidence;
  const wire: WireEvidence = {
    v: 2,
    chainId: domain.chainId,
    dissc: domain.dissc,
    dataset,
    charters: evidence.charters.map(wireCharter),
    head: { size: head.size, root: to0x(head.root), serial: head.serial, signature: to0x(head.signature) },
    record: record === null ? null : wireTransaction(record),
    round:
      round === null
        ? null
        : {
            ...wireTransaction(round),
            anchorer: round.anchorer,
            number: round.number,
            previous: to0x(round.previous),
            history: to0x(round.history),
            path: round.path.map(to0x),
          },
    blocks: evidence.blocks.map(wireBlock),
    proof: evidence.proof.map(to0x),
    range,
    after: evidence.after.map(wireChainBlock),
    timestamp: evidence.timestamp === null ? null : toBase64(evidence.timestamp),
  };
  const file = utf8(canonicalJson(wire));
  parseEvidence(file);
  return file;
}

function wireCharter({ charter, chartered }: ShownCharter): WireEvidence['charters'][number] {
  return {
    ...charterToWire(charter),
    chartered: chartered === null ? null : { transaction: to0x(chartered.txHash), blockNumber: chartered.blockNumber },
  };
}

function wireBlock({ index, opening, meta, blockKey, record, contentKey, object, bytes }: EvidenceBlock) {
  return {
    index,
    size: opening.size,
    sha256: to0x(opening.sha256),
    chunkRoot: to0x(opening.chunkRoot),
    metaHash: to0x(opening.metaHash),
    meta: meta === null ? null : to0x(meta),
    blockKey: to0x(blockKey),
    record: to0x(recordBytes(record)),
    contentKey: contentKey === null ? null : to0x(contentKey),
    object,
    bytes: bytes === null ? null : toBase64(bytes),
  };
}

function wireChainBlock({ blockHash, blockNumber, timeSeconds }: NamedChainBlock): WireEvidence['after'][number] {
  return { blockHash: to0x(blockHash), blockNumber, timeSeconds };
}

function wireTransaction(one: NamedTransaction): NonNullable<WireEvidence['record']> {
  return { ...wireChainBlock(one), transaction: to0x(one.txHash) };
}
