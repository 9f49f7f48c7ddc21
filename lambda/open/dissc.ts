import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export function openDissc(env: Environment): Pick<ServicePorts, 'ledger'> {
  return { ledger: createDisscLedger({ ...chainOf(env), dissc: env.address('PLUMBLINE_DISSC') }) };
}

/** Rounds, read: for whoever makes an anchorer's map again. */
export function openRounds(env: Environment): Pick<ServicePorts, 'rounds'> {
  return { rounds: createDisscRounds({ ...chainOf(env), dissc: env.address('PLUMBLINE_DISSC') }) };
}
