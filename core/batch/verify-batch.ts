import { type AttachedPiece, misplacedPiece } from '../block/attached-object.ts';
import { equalBytes } from '../bytes.ts';
import type { DatasetKind } from '../charter/kind.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import { ProofError } from '../errors.ts';
import type { Address, DatasetId } from '../ids.ts';
import { recoverHeadSigner } from '../log/head.ts';
import { appendLeaves, type Peaks, rootOfPeaks } from '../log/peaks.ts';
import { recordHash } from '../log/record.ts';
import type { Primitives } from '../ports/primitives.ts';
import { manifestKind } from './coherent-manifest.ts';
import type { Manifest } from './manifest-fields.ts';

/** The log that a batch must be the next one of. */
export interface LogToExtend {
  readonly domain: DisscDomain;
  readonly dataset: DatasetId;
  /** By the charter. */
  readonly kind: DatasetKind;
  /** The log's peaks before the batch. */
  readonly before: Peaks;
  /** The last piece before the batch, in an attached dataset; absent where it is not known. */
  readonly lastPiece?: AttachedPiece;
}

export interface VerifiedBatch {
  /** The account that signed the head. That it is the dataset's device is the charters' to say. */
  readonly signer: Address;
  readonly leafHashes: readonly Uint8Array[];
  /** The log's peaks after the batch. */
  readonly end: Peaks;
}

/**
 * What of a batch can be seen without keys: it is this dataset's and of its kind, it follows on the log, its records lead to
 * its head, and an account has signed that. Its bytes are `readSegment`'s to check, sealing is `requireSealing`'s.
 * @throws ProofError that says what does not fit
 */
export function verifyBatch(hasher: Pick<Primitives, 'sha256'>, log: LogToExtend, manifest: Manifest): VerifiedBatch {
  if (manifest.dataset !== log.dataset) {
    throw new ProofError(`The batch belongs to dataset ${manifest.dataset}, not to ${log.dataset}.`);
  }
  if (manifestKind(manifest) !== log.kind) {
    throw new ProofError(`The batch has kind ${manifestKind(manifest)}, but its dataset has kind ${log.kind}.`);
  }
  if (manifest.first !== log.before.size) {
    throw new ProofError(
      `The batch begins with block ${manifest.first}, but the log continues with block ${log.before.size}.`,
    );
  }
  if (log.lastPiece !== undefined) requirePiecesFollow(log.lastPiece, manifest);
  const leafHashes = manifest.blocks.map(({ record }) => recordHash(hasher, record));
  const end = appendLeaves(hasher, log.before, leafHashes);
  if (!equalBytes(rootOfPeaks(hasher, end), manifest.head.root)) {
    throw new ProofError(`The records of the batch from block ${manifest.first} on do not lead to its head.`);
  }
  const signer = recoverHeadSigner(log.domain, { dataset: log.dataset, ...manifest.head }, manifest.signature);
  return { signer, leafHashes, end };
}

function requirePiecesFollow(last: AttachedPiece, { first, blocks }: Manifest): void {
  const misplaced = misplacedPiece(last, blocks as readonly AttachedPiece[]);
  if (misplaced !== null) throw new ProofError(`Block ${first + misplaced.position}: ${misplaced.reason}`);
}
