import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export function openAsc(env: Environment): Pick<ServicePorts, 'grants'> {
  const asc = env.optional('PLUMBLINE_ASC', env.address);
  return { grants: asc === null ? null : createAscLedger({ ...chainOf(env), asc }) };
}
