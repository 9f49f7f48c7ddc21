import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export async function openAsc(env: Environment): Promise<Pick<ServicePorts, 'grants'>> {
  const asc = env.optional('PLUMBLINE_ASC', env.address);
  return { grants: asc === null ? null : createAscLedger({ ...(await chainOf(env)), asc }) };
}
