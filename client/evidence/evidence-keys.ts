import { readKey } from '../../core/block/content-keys.ts';
import { auditKey } from '../../core/block/seal.ts';
import type { AuditKey, ReadKey } from '../../core/ids.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { DatasetKeyOf } from '../../core/protocols/owner-keys.ts';

/** What evidence is made with, by the device's serial: an owner has both, an auditor opens digests and no content. */
export interface EvidenceKeys {
  readonly auditKeyOf: (serial: number) => AuditKey;
  readonly readKeyOf: ((serial: number) => ReadKey) | null;
}

/**
 * An owner's keys: every key of a dataset follows from its device's.
 *
 * @example
 * const { auditKeyOf } = keysOfOwner(primitives, datasetKeyOf);
 * console.log(auditKeyOf(charters[0].serial).length); // 32
 */
export function keysOfOwner(primitives: Pick<Primitives, 'hmacSha256'>, datasetKeyOf: DatasetKeyOf): EvidenceKeys {
  return {
    auditKeyOf: (serial) => auditKey(primitives, datasetKeyOf(serial)),
    readKeyOf: (serial) => readKey(primitives, datasetKeyOf(serial)),
  };
}
