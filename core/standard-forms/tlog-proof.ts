import { concatBytes, utf8 } from '../bytes.ts';
import { toBase64 } from '../evidence/base64.ts';
import type { EvidenceFile } from '../evidence/evidence.ts';
import type { Primitives } from '../ports/primitives.ts';
import { ED25519, type LogKey, noteKeyId, originOf, type VouchedLogKey } from './log-key.ts';
import { pathOfOne, plumblineExtra, requireOneBlock } from './one-block.ts';

/**
 * Evidence of one block as a transparency log's proof (c2sp.org/tlog-proof@v1): the block's record is the entry, the head a
 * checkpoint under the log key. `extra` is our evidence of the block with the owner's voucher for that key.
 * @returns text, to be kept as `*.tlog-proof`
 * @throws ArgumentError unless the evidence is of one block
 */
export function encodeTlogProof(
  primitives: Pick<Primitives, 'sha256'>,
  evidence: EvidenceFile,
  vouched: VouchedLogKey,
): string {
  const { head, proof } = evidence;
  const { index } = requireOneBlock(evidence, 'tlog-proof');
  const path = pathOfOne(index, head.size, proof);
  return [
    'c2sp.org/tlog-proof@v1',
    `extra ${toBase64(plumblineExtra(evidence, vouched))}`,
    `index ${index}`,
    ...path.map(toBase64),
    '',
    checkpoint(primitives, evidence, vouched.key),
  ].join('\n');
}

/** What a note verifier is configured with: name, key id and key (golang.org/x/mod/sumdb/note). */
export function noteVerifierKey(primitives: Pick<Primitives, 'sha256'>, key: LogKey): string {
  const id = [...noteKeyId(primitives, key)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${originOf(key.dataset)}+${id}+${toBase64(Uint8Array.of(ED25519, ...key.publicKey))}`;
}

/** A signed note of origin, size and root (c2sp.org/tlog-checkpoint, c2sp.org/signed-note). */
function checkpoint(primitives: Pick<Primitives, 'sha256'>, { head }: EvidenceFile, key: LogKey): string {
  const origin = originOf(key.dataset);
  const text = `${origin}\n${head.size}\n${toBase64(head.root)}\n`;
  const signature = concatBytes(noteKeyId(primitives, key), key.sign(utf8(text)));
  return `${text}\n\u2014 ${origin} ${toBase64(signature)}\n`;
}
