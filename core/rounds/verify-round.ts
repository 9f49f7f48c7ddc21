import { equalBytes } from '../bytes.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import { ProofError } from '../errors.ts';
import type { Address, DatasetId, RoundRoot } from '../ids.ts';
import { recoverHeadSigner, type SignedHead } from '../log/head.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { MapLeaf } from './map-leaf.ts';
import { type MapProof, mapFromProof } from './map-proof.ts';
import { type RoundFront, roundBody, roundRoot } from './round.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** A round as somebody shows it, with what it says of one dataset. */
export interface ShownRound extends RoundFront {
  readonly proof: MapProof;
}

/**
 * What a round says of a dataset: its head, or null when it holds none. `root` is the round that DISSC has for the anchorer
 * at the verifier's final block, or one proven by that one's history.
 * @throws ProofError when what is shown leads to another round
 */
export function headInRound(
  hasher: Hasher,
  root: RoundRoot,
  dataset: DatasetId,
  { number, timeSeconds, previous, history, proof }: ShownRound,
): MapLeaf | null {
  const { map, leaf } = mapFromProof(hasher, dataset, proof);
  const shown = roundRoot(hasher, timeSeconds, previous, roundBody(hasher, number, history, map));
  if (equalBytes(shown, root)) return leaf;
  throw new ProofError(`The given parts of round ${number} do not lead to the round on the chain.`);
}

/**
 * The account that signed the head that a round holds: the signature shown must be the one whose hash is in the round.
 * @throws ProofError when it is another head or another signature, or a malformed one
 */
export function signerInRound(hasher: Hasher, domain: DisscDomain, leaf: MapLeaf, head: SignedHead): Address {
  const isThis =
    head.dataset === leaf.dataset &&
    head.size === leaf.size &&
    head.serial === leaf.serial &&
    equalBytes(head.root, leaf.root) &&
    equalBytes(hasher.sha256(head.signature), leaf.signatureHash);
  if (!isThis) throw new ProofError(`The given head of ${head.size} blocks differs from the one in the round.`);
  return recoverHeadSigner(domain, head, head.signature);
}
