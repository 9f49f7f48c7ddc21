import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { deriveLogKey, type VouchedLogKey, vouchForLogKey } from '../../core/standard-forms/log-key.ts';
import { datasetKeyOf, OWNER_KEY } from './honest-storage.ts';

/** The log key of the device that signed this evidence's head, vouched for by the fixtures' owner. */
export function vouchedFor({ domain, dataset, head: { serial } }: EvidenceFile): VouchedLogKey {
  return vouchForLogKey(domain, deriveLogKey(primitives, datasetKeyOf(serial), { dataset, serial }), OWNER_KEY);
}
