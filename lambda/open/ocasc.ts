import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import type { Environment } from '../environment.ts';
import { chainOf } from './chain.ts';

export function openOcasc(env: Environment): Pick<ServicePorts, 'agreements'> {
  const ocasc = env.optional('PLUMBLINE_OCASC', env.address);
  return { agreements: ocasc === null ? null : createOcascLedger({ ...chainOf(env), ocasc }) };
}
