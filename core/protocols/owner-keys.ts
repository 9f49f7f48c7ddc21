import { auditKey, blockKeys } from '../block/seal.ts';
import type { BlockKey, DatasetKey } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { ProvenRecord } from './prove-records.ts';

/** The owner's key of what the device of this serial has sealed (core/keys.ts). */
export type DatasetKeyOf = (serial: number) => DatasetKey;

/** The key that opens a block's digest, if the serial and the salt that the storage names are the right ones. */
export function blockKeyOf(
  { primitives, datasetKeyOf }: { readonly primitives: Primitives; readonly datasetKeyOf: DatasetKeyOf },
  { index, batch }: Pick<ProvenRecord, 'index' | 'batch'>,
): BlockKey {
  return blockKeys(primitives, auditKey(primitives, datasetKeyOf(batch.serial)), batch.salt)(index);
}
