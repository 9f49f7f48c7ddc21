import type { Manifest } from '../../core/batch/manifest-fields.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { type VerifiedBatch, verifyBatch } from '../../core/batch/verify-batch.ts';
import { openContentKeys, requireSealing } from '../../core/batch/verify-sealing.ts';
import { readKey } from '../../core/block/content-keys.ts';
import { auditKey } from '../../core/block/seal.ts';
import { KeyError, ProofError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

/** A batch of the log that was verified to follow on its end. */
export interface StoredBatch extends VerifiedBatch {
  readonly manifest: Manifest;
  /** Whether this device's account signed it. */
  readonly own: boolean;
}

/**
 * Verifies that a stored batch follows on `before` and was signed; of one under this device's own signature also that it was
 * made with its keys: salt, commitments and sealed digests can be made by nobody else, so storage can neither invent such a
 * batch nor change one. Of a former device there are no keys here: that its account may extend the log is the caller's to ask.
 * @throws ProofError
 */
export function verifyStored(
  primitives: Primitives,
  writer: DatasetWriter,
  account: Address,
  before: Peaks,
  manifest: Manifest,
): StoredBatch {
  const { domain, dataset, kind } = writer;
  const batch = verifyBatch(primitives, { domain, dataset, kind, before }, manifest);
  const own = batch.signer === account;
  if (own) requireOwnKeys(primitives, writer, manifest);
  return { ...batch, manifest, own };
}

function requireOwnKeys(primitives: Primitives, { datasetKey, serial }: DatasetWriter, manifest: Manifest): void {
  const what = `The stored batch at block ${manifest.first}`;
  if (manifest.serial !== serial) {
    throw new ProofError(
      `This device signed ${what.charAt(0).toLowerCase() + what.slice(1)}, but it names the serial ${manifest.serial}, not ${serial}.`,
    );
  }
  try {
    requireSealing(primitives, auditKey(primitives, datasetKey), manifest);
    openContentKeys(primitives, readKey(primitives, datasetKey), manifest);
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    throw new ProofError(`${what} was not made with this device's keys. ${cause.shortMessage}`, { cause });
  }
}
