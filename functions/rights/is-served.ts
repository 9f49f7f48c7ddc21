import type { Address, DatasetId } from '../../core/ids.ts';
import { keepBriefly } from '../http/keep-briefly.ts';
import type { ServicePorts } from '../ports.ts';
import { quotaOf } from './quota-of.ts';

/** Whether this service stores a dataset for its owner. */
export type ServedReader = (dataset: DatasetId, owner: Address, signal: AbortSignal) => Promise<boolean>;

/** Where a grant decides it, the chain's answer is kept at most 15 s. */
export function createServedReader(ports: Pick<ServicePorts, 'table' | 'grants' | 'settings' | 'nowMs'>): ServedReader {
  const read = keepBriefly<string, boolean>(async (key, signal) => {
    const [dataset, owner] = key.split(' ') as [DatasetId, Address];
    return (await quotaOf(ports, dataset, owner, signal)) !== null;
  }, ports.nowMs);
  return async (dataset, owner, signal) =>
    ports.settings().owners.has(owner) || read(`${dataset} ${owner}`, (isServed) => isServed, signal);
}
