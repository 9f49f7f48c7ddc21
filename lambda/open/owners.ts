import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import type { Environment } from '../environment.ts';
import { openTable } from './table.ts';

export function openOwners(env: Environment): Pick<ServicePorts, 'owners'> {
  return { owners: createTableOwners({ ...openTable(env), runtime: nodeRuntime }) };
}
