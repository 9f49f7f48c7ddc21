import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export function openDissc(env: Environment): Pick<ServicePorts, 'ledger'> {
  return { ledger: createDisscLedger({ ...chainOf(env), dissc: env.address('PLUMBLINE_DISSC') }) };
}
