import type { ObjectReader, ServicePorts, TableReader } from '../ports.ts';

/** What reads a log. */
export interface LogPorts {
  readonly table: TableReader;
  readonly primitives: Pick<ServicePorts['primitives'], 'sha256'>;
  readonly objects: Pick<ObjectReader, 'read'>;
}
