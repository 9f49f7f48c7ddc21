import type { Dissent } from '../../core/ports/chain-witness.ts';
import type { ChainFact } from './chain-facts.ts';

/** What only the chain can say, with what came of asking it. Names in it were written by others. */
export function sayFact({ says, holds, restsOn, reason }: ChainFact): string {
  if (holds === true) return `${says} [holds, by ${restsOn}]`;
  if (holds === false) return `${says} [does not hold: ${reason}]`;
  return `${says} [${reason === null ? 'not asked' : `not answered: ${reason}`}]`;
}

/** A node that says otherwise than those that agree. */
export function sayDissent({ host, about, said }: Dissent): string {
  return `${host} disagrees about ${about}: ${said}`;
}
