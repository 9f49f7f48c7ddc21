import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export async function openOcasc(env: Environment): Promise<Pick<ServicePorts, 'agreements'>> {
  const ocasc = env.optional('PLUMBLINE_OCASC', env.address);
  return { agreements: ocasc === null ? null : createOcascLedger({ ...(await chainOf(env)), ocasc }) };
}
