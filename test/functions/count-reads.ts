import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { Table } from '../../core/ports/table.ts';
import type { Stores } from './start-service.ts';

/** The stores with a count of what is read of table and bucket. */
export function countReads(stores: Stores) {
  let reads = 0;
  const counting =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      reads++;
      return call(...args);
    };
  const table: Table = {
    ...stores.table,
    get: counting(stores.table.get.bind(stores.table)),
    query: counting(stores.table.query.bind(stores.table)),
  };
  const objects = { ...stores.objects, read: counting(stores.objects.read.bind(stores.objects)) };
  return { ports: { primitives: nodePrimitives, table, objects }, reads: () => reads };
}
