import type { ObjectReader, ServicePorts } from '../ports.ts';

/** What it takes to go on with a log. */
export interface GrowingPorts extends Pick<ServicePorts, 'table'> {
  readonly primitives: Pick<ServicePorts['primitives'], 'sha256'>;
  readonly runtime: Pick<ServicePorts['runtime'], 'monotonicMs' | 'sleep' | 'random'>;
  readonly objects: Pick<ObjectReader, 'read'>;
}
