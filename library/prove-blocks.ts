import { nodePrimitives } from '../adapters/crypto/node-primitives.ts';
import { createChainBlocks } from '../adapters/ethereum/chain-blocks.ts';
import { downloadPresigned } from '../adapters/service/download-presigned.ts';
import type { BlockRange } from '../client/disowned-blocks.ts';
import type { WantedBlocks } from '../client/evidence/choose-blocks.ts';
import { keysOfOwner } from '../client/evidence/evidence-keys.ts';
import { type EvidenceDeps, makeEvidence, type WantedEvidence } from '../client/evidence/make-evidence.ts';
import { type EvidenceReport, reportEvidence } from '../client/evidence/report-evidence.ts';
import { sourceOfBucket, sourceOfService } from '../client/owner/block-source.ts';
import type { RequestAccount } from '../client/service/call-service.ts';
import { type SignedCharter, signCharter } from '../core/charter/charter.ts';
import { ArgumentError, FileError } from '../core/errors.ts';
import { encodeEvidence } from '../core/evidence/encode-evidence.ts';
import type { EvidenceFile } from '../core/evidence/evidence.ts';
import { type TimestampFinding, timestampMessage } from '../core/evidence/timestamp.ts';
import { verifyEvidence } from '../core/evidence/verify-evidence.ts';
import type { DatasetId } from '../core/ids.ts';
import type { Anchor } from '../core/ports/ledger.ts';
import { passingAccount } from './audit-bucket.ts';
import { type AuditedDataset, auditKeysOf } from './auditor-file.ts';
import { type Connection, openBucket, openLedger, openService } from './connection.ts';
import type { DatasetEntry } from './dataset-list.ts';
import { openRounds } from './open-rounds.ts';
import { datasetKeyOf, type OpenedOwner } from './opened-owner.ts';

/** What evidence is made of: exactly one of blocks, file and times. */
export interface ProveOptions {
  /** Blocks from … to, both inclusive; or several such ranges. */
  readonly blocks?: BlockRange | readonly BlockRange[];
  /** The newest version of the file of this name, as it was recorded. */
  readonly file?: string;
  /** All that was captured in this time, in ms since 1970, both inclusive: that nothing is left out is proven, too. */
  readonly times?: BlockRange;
  /** With names and times of the blocks; true when absent. */
  readonly metas?: boolean;
  /** With the stored bytes, at most 64 MiB; false when absent. */
  readonly withBytes?: boolean;
  /** URL of a time-stamping authority (RFC 3161) that dates the log's head; it learns only a hash. None when absent. */
  readonly timestamp?: string;
  /** The chain state to prove against; `final` when absent. */
  readonly anchor?: Anchor;
  /** Told how many of the blocks are done: of those looked through for the file, or of those opened. */
  readonly onProgress?: (done: number, all: number, doing: 'search' | 'open') => void;
  readonly signal?: AbortSignal;
}

/** Evidence, as it is handed to somebody else. */
export interface Proven {
  /** The file, `*.evidence.json`: whoever has it verifies it with `plumb verify`, with no keys and no account. */
  readonly file: Uint8Array;
  /** What it says. */
  readonly report: EvidenceReport;
}

/** Who makes evidence. */
export interface Prover extends Pick<EvidenceDeps, 'keys' | 'charters' | 'signCharter'> {
  readonly dataset: DatasetId;
  /** In whose name the service is asked. */
  readonly account: RequestAccount;
  /** Datasets with their charters, as far as they are known. */
  readonly entries: readonly Pick<DatasetEntry, 'dataset' | 'charters'>[];
}

/** How bytes and requests travel. */
export type ProveVia = 'http' | 'lambda' | 's3';

/** The owner of a dataset, who can open all of it. */
export function ownerAsProver(
  connection: Connection,
  opened: OpenedOwner,
  dataset: DatasetId,
  entries: readonly DatasetEntry[],
): Prover {
  return {
    ...{ dataset, account: opened, entries, keys: keysOfOwner(nodePrimitives, datasetKeyOf(opened, dataset)) },
    charters: entries.find((entry) => entry.dataset === dataset)?.charters ?? [],
    signCharter: (charter: SignedCharter) => signCharter(connection, charter, opened.privateKey),
  };
}

/** An auditor, who opens digests and no content. */
export function auditorAsProver(audited: AuditedDataset): Prover {
  return {
    ...{ dataset: audited.dataset, charters: audited.charters, entries: [audited], account: passingAccount() },
    ...{ keys: { auditKeyOf: auditKeysOf(audited), readKeyOf: null }, signCharter: null },
  };
}

/** @throws ArgumentError when not exactly one of the ways to name blocks is given */
export function wantedBlocksOf({ blocks, file, times }: ProveOptions): WantedBlocks {
  const ways = [blocks, file, times].filter((way) => way !== undefined);
  if (ways.length !== 1) throw new ArgumentError(`Give one of blocks, file and times, not ${ways.length} of them.`);
  if (file !== undefined) return { by: 'file', name: file };
  if (times !== undefined) return { by: 'time', ...times };
  const ranges = blocks as BlockRange | readonly BlockRange[];
  return { by: 'block', blocks: 'from' in ranges ? [ranges] : ranges };
}

/**
 * Makes evidence.
 * @param home folder that remembers what was seen; null: nothing is remembered
 * @throws FileError when the bucket is wanted and the connection names none; otherwise as `makeEvidence`
 */
export async function proveBlocks(
  { home, connection, via }: { readonly home: string | null; readonly connection: Connection; readonly via: ProveVia },
  { dataset, account, entries, ...prover }: Prover,
  wanted: Pick<WantedEvidence, 'anchor' | 'blocks' | 'show'>,
  onProgress?: Parameters<typeof makeEvidence>[2],
  signal?: AbortSignal,
): Promise<EvidenceFile> {
  const primitives = nodePrimitives;
  const service = await openService(connection, account, via === 'lambda' ? 'lambda' : 'http');
  const bucket = via === 's3' ? await openBucket(connection) : null;
  if (via === 's3' && bucket === null) {
    throw new FileError('No bucket is configured. Add s3 {bucket, region} to connection.json.');
  }
  try {
    const openSource =
      bucket === null
        ? sourceOfService({ primitives, service, download: downloadPresigned }, dataset)
        : sourceOfBucket({ primitives, bucket });
    const deps = {
      ...{ primitives, ledger: openLedger(connection), openSource, ...prover },
      // What leads to a round only the service keeps.
      rounds: openRounds(home, connection, service, entries),
      chainBlocks: createChainBlocks(connection),
    };
    const { fromBlock } = connection;
    return await makeEvidence(deps, { dataset, fromBlock, ...wanted }, onProgress, signal);
  } finally {
    bucket?.close();
  }
}

/** Evidence as a program gets it. @throws as `proveBlocks` */
export async function proveFor(
  place: Parameters<typeof proveBlocks>[0],
  prover: Prover,
  options: ProveOptions & { readonly open?: boolean },
): Promise<Proven> {
  const { metas = true, withBytes = false, open = false, anchor = 'final', timestamp, onProgress, signal } = options;
  const blocks = wantedBlocksOf(options);
  const wanted = { anchor, blocks, show: { metas, content: open, bytes: withBytes } };
  const made = await proveBlocks(place, prover, wanted, onProgress, signal);
  const { evidence, stamped } =
    timestamp === undefined ? { evidence: made, stamped: undefined } : await stampEvidence(made, timestamp, signal);
  const finding = verifyEvidence(nodePrimitives, evidence, evidence.domain);
  return { file: encodeEvidence(evidence), report: reportEvidence(evidence, finding, [], null, stamped) };
}

/**
 * Evidence with an authority's token of its head: whatever blocks are shown, they stand in it.
 * @throws as `requestToken`
 */
export async function stampEvidence(
  evidence: EvidenceFile,
  url: string,
  signal?: AbortSignal,
): Promise<{ readonly evidence: EvidenceFile; readonly stamped: TimestampFinding }> {
  // Loaded by those alone who ask for it: reading certificates takes a library of its own.
  const { requestToken } = await import('../adapters/timestamp/request-token.ts');
  const { token, finding } = await requestToken(url, timestampMessage(nodePrimitives, evidence.head), signal);
  return { evidence: { ...evidence, timestamp: token }, stamped: finding };
}
