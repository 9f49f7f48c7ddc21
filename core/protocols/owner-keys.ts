import { auditKey, blockKeys } from '../block/seal.ts';
import type { AuditKey, BlockKey, DatasetKey } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { ProvenRecord } from './prove-records.ts';

/** The owner's key of what the device of this serial has sealed (core/keys.ts). */
export type DatasetKeyOf = (serial: number) => DatasetKey;

/** Who has only the audit keys: an auditor, who verifies and reads no content. */
export type AuditKeyOf = (serial: number) => AuditKey;

/** What opens digests. Where `auditKeyOf` is there, nothing else is asked. */
export interface OpeningKeys {
  readonly primitives: Primitives;
  readonly datasetKeyOf: DatasetKeyOf;
  readonly auditKeyOf?: AuditKeyOf;
}

/** The key that opens a block's digest, if the serial and the salt that the storage names are the right ones. */
export function blockKeyOf(
  { primitives, datasetKeyOf, auditKeyOf }: OpeningKeys,
  { index, batch }: Pick<ProvenRecord, 'index' | 'batch'>,
): BlockKey {
  const key = auditKeyOf?.(batch.serial) ?? auditKey(primitives, datasetKeyOf(batch.serial));
  return blockKeys(primitives, key, batch.salt)(index);
}
