import { to0x, utf8 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { canonicalJson } from '../evidence/canonical-json.ts';
import { encodeEvidence } from '../evidence/encode-evidence.ts';
import type { EvidenceBlock, EvidenceFile } from '../evidence/evidence.ts';
import type { BlockIndex } from '../ids.ts';
import { requireLeaf, splitPoint } from '../log/merkle.ts';
import type { VouchedLogKey } from './log-key.ts';

/** @throws ArgumentError unless evidence is of exactly one block: a standard proof has one leaf */
export function requireOneBlock({ blocks }: Pick<EvidenceFile, 'blocks'>, form: string): EvidenceBlock {
  const [block] = blocks;
  if (block !== undefined && blocks.length === 1) return block;
  throw new ArgumentError(
    `A ${form} proves one block, but you asked for ${blocks.length}. Ask for one: --blocks N; or leave out --format to get one file for all of them.`,
  );
}

/**
 * The audit path of a multiproof that is of one record, from the leaf upwards (RFC 9162 §2.1.3.1).
 * @throws ArgumentError unless it is of one record
 */
export function pathOfOne(index: BlockIndex, size: number, nodes: readonly Uint8Array[]): Uint8Array[] {
  requireLeaf(index, size);
  const path: Uint8Array[] = [];
  let [front, back] = [0, nodes.length];
  for (let from = 0, to = size; to - from > 1; ) {
    const middle = from + splitPoint(to - from);
    // A multiproof's nodes stand in the order of the tree: those on the left of the leaf first.
    path.push(nodes[index < middle ? --back : front++] as Uint8Array);
    if (index < middle) to = middle;
    else from = middle;
  }
  return path.reverse();
}

/**
 * What leads on from a standard proof: our evidence of the same block, and the owner's voucher for the log key.
 * @throws ArgumentError for evidence that is out of bounds
 */
export function plumblineExtra(evidence: EvidenceFile, { key, voucher }: VouchedLogKey): Uint8Array {
  const logKey = { ed25519: to0x(key.publicKey), serial: key.serial, voucher: to0x(voucher) };
  const file = new TextDecoder().decode(encodeEvidence(evidence));
  return utf8(`{"evidence":${file},"logKey":${canonicalJson(logKey)}}`);
}
