import type { EvidenceFile } from '../evidence/evidence.ts';
import { type Cbor, encodeCbor, encodeTagged } from './cbor.ts';
import { originOf, type VouchedLogKey } from './log-key.ts';
import { pathOfOne, plumblineExtra, requireOneBlock } from './one-block.ts';

/** Labels and values of COSE and its receipts (RFC 9052 §3.1, RFC 9053 §2.2, RFC 9597, RFC 9942 §5.2). */
const [ALG, KID, CWT_CLAIMS, VDS, VDP] = [1, 4, 15, 395, 396];
const [EDDSA, RFC9162_SHA256, INCLUSION_PROOFS, ISSUER, SUBJECT] = [-8, 1, -1, 1, 2];
const COSE_SIGN1 = 18;
/** Of the private range: our evidence of the block, with the owner's voucher. */
export const PLUMBLINE_EXTRA = -70_014;

/**
 * Evidence of one block as a COSE receipt (RFC 9942, verifiable data structure 1): the block's record is the entry, and the log
 * key signs the head's root, which is not in the file. The key is named by its own bytes.
 * @throws ArgumentError unless the evidence is of one block
 */
export function encodeCoseReceipt(evidence: EvidenceFile, vouched: VouchedLogKey): Uint8Array {
  const { head, proof } = evidence;
  const { key } = vouched;
  const { index } = requireOneBlock(evidence, 'COSE receipt');
  const origin = originOf(key.dataset);
  const claims = new Map<number, Cbor>([
    [ISSUER, origin],
    // The size, too: a receipt's signature is on the root alone, and one path can lead there from several sizes.
    [SUBJECT, `${origin}/${head.size}/${index}`],
  ]);
  const headers: readonly (readonly [number, Cbor])[] = [
    [ALG, EDDSA],
    [KID, key.publicKey],
    [CWT_CLAIMS, claims],
    [VDS, RFC9162_SHA256],
  ];
  const signedHeaders = encodeCbor(new Map(headers));
  const toSign = encodeCbor(['Signature1', signedHeaders, new Uint8Array(), head.root]);
  const inclusion = encodeCbor([head.size, index, pathOfOne(index, head.size, proof)]);
  const unsigned = new Map<number, Cbor>([
    [VDP, new Map<number, Cbor>([[INCLUSION_PROOFS, [inclusion]]])],
    [PLUMBLINE_EXTRA, plumblineExtra(evidence, vouched)],
  ]);
  return encodeTagged(COSE_SIGN1, [signedHeaders, unsigned, null, key.sign(toSign)]);
}
