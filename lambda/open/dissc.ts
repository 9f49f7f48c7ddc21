import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export async function openDissc(env: Environment): Promise<Pick<ServicePorts, 'ledger'>> {
  return { ledger: createDisscLedger({ ...(await chainOf(env)), dissc: env.address('PLUMBLINE_DISSC') }) };
}

/** Rounds, read: for whoever makes an anchorer's map again. */
export async function openRounds(env: Environment): Promise<Pick<ServicePorts, 'rounds'>> {
  return { rounds: createDisscRounds({ ...(await chainOf(env)), dissc: env.address('PLUMBLINE_DISSC') }) };
}
