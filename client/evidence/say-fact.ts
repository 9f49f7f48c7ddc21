import type { Dissent } from '../../core/ports/chain-witness.ts';
import type { ChainFact } from './chain-facts.ts';

/**
 * What only the chain can say, with what came of asking it. Names in it were written by others.
 *
 * @example
 * const fact = { fact: 'record', says: 'DISSC has the head.', restsOn: '2 of 2 nodes', reason: null } as const;
 * console.log(sayFact({ ...fact, holds: true }));
 */
export function sayFact({ says, holds, restsOn, reason }: ChainFact): string {
  if (holds === true) return `${says} [holds, by ${restsOn}]`;
  if (holds === false) return `${says} [does not hold: ${reason}]`;
  return `${says} [${reason === null ? 'not asked' : `not answered: ${reason}`}]`;
}

/**
 * A node that says otherwise than those that agree.
 *
 * @example
 * const dissent = { host: 'rpc.example', about: 'the record', said: 'there is no such event' };
 * console.log(sayDissent(dissent));
 */
export function sayDissent({ host, about, said }: Dissent): string {
  return `${host} disagrees about ${about}: ${said}`;
}

/**
 * Behind the verdict, as nodes that agree may lie together: who disagrees with them; empty where nobody does.
 *
 * @example
 * const dissent = [{ host: 'rpc.example', about: 'the record', said: 'there is no such event' }];
 * console.log(`Intact.${sayDisagreement(dissent)}`);
 */
export function sayDisagreement(dissent: readonly Dissent[]): string {
  const hosts = [...new Set(dissent.map(({ host }) => host))];
  if (hosts.length === 0) return '';
  const one = hosts.length === 1;
  return ` ${hosts.join(', ')} ${one ? 'disagrees' : 'disagree'}, as listed below. If you trust ${one ? 'it' : 'them'} more than the other nodes, do not rely on this result.`;
}
