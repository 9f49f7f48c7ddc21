import type { DisscDomain } from '../dissc-domain.ts';
import { ProofError } from '../errors.ts';
import type { Address, DatasetId, RoundRoot } from '../ids.ts';
import type { SignedHead } from '../log/head.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { ServiceRound } from '../ports/service.ts';
import { leafOfHead } from './map-leaf.ts';
import { headInRound, signerInRound } from './verify-round.ts';

/** A head in a round of the chain, with the account that signed it: verified. */
export interface RoundHead {
  readonly head: SignedHead;
  readonly signer: Address;
  readonly round: {
    readonly number: number;
    /** Of its chain block, seconds since 1970. */
    readonly timeSeconds: number;
    readonly txHash: string;
  };
}

/**
 * What a round that is on the chain says of a dataset: its head under its device's signature, or null when the round has none.
 * `root` is the round that DISSC has for the anchorer at the verifier's final block.
 * @throws ProofError when what is shown leads to another round, or the round has a head whose signature is not shown
 * @example
 * const { round } = await rounds.readRound(anchorer, 'final');
 * const shown = (await service.getAnchor(dataset, { round })).round;
 * const anchored = verifyRoundHead(hasher, domain, round, dataset, shown); // null: the round does not hold the dataset
 */
export function verifyRoundHead(
  hasher: Pick<Primitives, 'sha256'>,
  domain: DisscDomain,
  root: RoundRoot,
  dataset: DatasetId,
  { path, head, end, txHash, ...front }: ServiceRound,
): RoundHead | null {
  if (head !== null && head.dataset !== dataset) throw new ProofError('The head belongs to another dataset.');
  const proof = { path, end: head === null ? end : leafOfHead(hasher, head) };
  const leaf = headInRound(hasher, root, dataset, { ...front, proof });
  if (leaf === null) return null;
  if (head === null) {
    throw new ProofError(`Round ${front.number} holds a head of ${leaf.size} blocks, but its signature is missing.`);
  }
  const { number, timeSeconds } = front;
  return { head, signer: signerInRound(hasher, domain, leaf, head), round: { number, timeSeconds, txHash } };
}
