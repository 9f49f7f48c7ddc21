import type { DisscDomain } from '../dissc-domain.ts';
import { ProofError } from '../errors.ts';
import type { Address } from '../ids.ts';
import type { Growth } from '../log/growth.ts';
import { recoverHeadSigner, type SignedHead } from '../log/head.ts';
import { relateHeads } from '../log/relate-heads.ts';
import type { Primitives } from '../ports/primitives.ts';

/** Two signed heads of which neither extends the other, with what proves it to anybody (specification#contested-heads). */
export interface Contradiction {
  readonly shorter: SignedHead;
  readonly longer: SignedHead;
  /** Of the longer head's log, from the shorter one's size; null where both have one size. */
  readonly growth: Growth | null;
}

export interface ProvenContradiction {
  readonly shorterSigner: Address;
  readonly longerSigner: Address;
  /** The account that has signed both: its proven fault. Between two devices it is nobody's. */
  readonly fault: Address | null;
}

/**
 * Checks a contradiction with nothing but its own bytes: signatures, and a growth that leads to the longer head from another
 * log than the shorter head's.
 * @throws ProofError when the two are of different datasets, do not contradict each other, or a signature is malformed
 */
export function requireContradiction(
  hasher: Pick<Primitives, 'sha256'>,
  domain: DisscDomain,
  { shorter, longer, growth }: Contradiction,
): ProvenContradiction {
  if (shorter.dataset !== longer.dataset) {
    throw new ProofError(`The heads belong to two datasets, ${shorter.dataset} and ${longer.dataset}.`);
  }
  if (relateHeads(hasher, shorter, longer, growth) !== 'contested') {
    throw new ProofError(
      `The heads do not contradict each other: the one of ${longer.size} blocks extends the one of ${shorter.size}.`,
    );
  }
  const shorterSigner = recoverHeadSigner(domain, shorter, shorter.signature);
  const longerSigner = recoverHeadSigner(domain, longer, longer.signature);
  return { shorterSigner, longerSigner, fault: shorterSigner === longerSigner ? shorterSigner : null };
}
