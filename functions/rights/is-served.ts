import type { Address, DatasetId } from '../../core/ids.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import { keepBriefly } from './keep-briefly.ts';
import { quotaOf } from './quota-of.ts';

/** What it takes to know whom this service stores for. */
export interface ServingPorts extends Pick<ServicePorts, 'table' | 'grants' | 'owners' | 'runtime'> {
  readonly settings: () => Pick<ServiceSettings, 'grants' | 'cssAccount'>;
}

/** Whether this service stores a dataset for its owner. */
export type ServedReader = (dataset: DatasetId, owner: Address, signal: AbortSignal) => Promise<boolean>;

/** Where a grant decides it, the chain's answer is kept at most 15 s. */
export function createServedReader(ports: ServingPorts): ServedReader {
  const read = keepBriefly<string, boolean>(async (key, signal) => {
    const [dataset, owner] = key.split(' ') as [DatasetId, Address];
    return (await quotaOf(ports, dataset, owner, signal)) !== null;
  }, ports.runtime);
  return async (dataset, owner, signal) => {
    const [quotaBytes = null] = await ports.owners.quotasOf([owner], signal);
    return quotaBytes !== null || read(`${dataset} ${owner}`, (isServed) => isServed, signal);
  };
}
