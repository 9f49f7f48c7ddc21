import type { Terms } from '../../core/agreement/terms.ts';
import type { Agreement } from '../../core/ports/agreements.ts';

/** Terms as JSON: amounts are decimal texts, as JSON's numbers end at 2^53. */
export function showTerms(terms: Terms) {
  const { price, fee, bond, stakeWei, acceptBySeconds, ...plain } = terms;
  return {
    ...plain,
    ...{ price: String(price), fee: String(fee), bond: String(bond), stakeWei: String(stakeWei) },
    acceptBySeconds: String(acceptBySeconds),
  };
}

/** An agreement as JSON. */
export function showAgreement({ id, state, terms, agent, buyer, due, challenges, challenge }: Agreement) {
  return {
    ...{ id, state, agent, due: String(due), challenges },
    consumer: buyer?.consumer ?? null,
    endSeconds: buyer?.endSeconds ?? null,
    challenge: challenge === null ? null : { ...challenge, stakeWei: String(challenge.stakeWei) },
    terms: showTerms(terms),
  };
}
